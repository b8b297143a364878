// QR codes (ISO/IEC 18004) of byte mode and error correction level M, versions 1 to 40, with the best of the eight masks.

/** Rows of modules; true is dark. Without the quiet zone. */
export type QrMatrix = readonly (readonly boolean[])[];

// For each version: bytes of error correction in a block, and the number of blocks (level M, table 9 of the standard).
const correctionBytes = [
  10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
  26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
];
const blockCounts = [
  1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
  17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
];
const levelBits = 0b00; // M, in the format information

/** Distances between alignment patterns are even and as equal as can be, the first one takes the rest. */
function alignmentPositions(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2;
  const positions = [6];
  for (let position = version * 4 + 10; positions.length < count; position -= step) positions.splice(1, 0, position);
  return positions;
}

/** Bytes of data and error correction together that a symbol of this version holds. */
function symbolBytes(version: number): number {
  const size = version * 4 + 17;
  const alignments = alignmentPositions(version).length;
  let modules = size * size - 3 * 64 - 31 - 2 * (size - 16); // finders with separators, format and dark module, timing
  if (version > 1) modules -= 25 * (alignments * alignments - 3) - 10 * (alignments - 2); // those on the timing share five each
  if (version >= 7) modules -= 36;
  return Math.floor(modules / 8);
}

/** Multiplication in GF(256) modulo x^8 + x^4 + x^3 + x^2 + 1. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

/** The generator polynomial with roots 2^0 to 2^(degree-1), without its leading 1. */
function generator(degree: number): Uint8Array {
  const polynomial = new Uint8Array(degree);
  polynomial[degree - 1] = 1;
  let root = 1;
  for (let i = 0; i < degree; i += 1) {
    for (let j = 0; j < degree; j += 1)
      polynomial[j] = multiply(polynomial[j]!, root) ^ (j + 1 < degree ? polynomial[j + 1]! : 0);
    root = multiply(root, 2);
  }
  return polynomial;
}

function errorCorrection(data: Uint8Array, polynomial: Uint8Array): Uint8Array {
  const remainder = new Uint8Array(polynomial.length);
  for (const byte of data) {
    const factor = byte ^ remainder[0]!;
    remainder.copyWithin(0, 1);
    remainder[remainder.length - 1] = 0;
    for (let i = 0; i < remainder.length; i += 1) remainder[i]! ^= multiply(polynomial[i]!, factor);
  }
  return remainder;
}

/** Mode, length, content and padding: exactly `capacity` bytes. */
function dataBytes(content: Uint8Array, version: number, capacity: number): Uint8Array {
  const bits: number[] = [];
  const append = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i -= 1) bits.push((value >> i) & 1);
  };
  append(0b0100, 4);
  append(content.length, version < 10 ? 8 : 16);
  for (const byte of content) append(byte, 8);
  append(0, Math.min(4, capacity * 8 - bits.length));
  append(0, (8 - (bits.length % 8)) % 8);
  const bytes = new Uint8Array(capacity);
  for (let i = 0; i < bits.length; i += 1) bytes[i >> 3]! |= bits[i]! << (7 - (i & 7));
  for (let i = bits.length / 8, pad = 0xec; i < capacity; i += 1, pad ^= 0xec ^ 0x11) bytes[i] = pad;
  return bytes;
}

/** Cuts the data into blocks, and interleaves them and their error correction. */
function interleaved(data: Uint8Array, version: number): Uint8Array {
  const total = symbolBytes(version);
  const blocks = blockCounts[version - 1]!;
  const correction = correctionBytes[version - 1]!;
  const short = Math.floor(total / blocks) - correction;
  const shortBlocks = blocks - (total % blocks);
  const polynomial = generator(correction);
  const parts: { data: Uint8Array; correction: Uint8Array }[] = [];
  for (let i = 0, at = 0; i < blocks; i += 1) {
    const part = data.subarray(at, (at += i < shortBlocks ? short : short + 1));
    parts.push({ data: part, correction: errorCorrection(part, polynomial) });
  }
  const result: number[] = [];
  for (let i = 0; i <= short; i += 1) for (const part of parts) if (i < part.data.length) result.push(part.data[i]!);
  for (let i = 0; i < correction; i += 1) for (const part of parts) result.push(part.correction[i]!);
  return Uint8Array.from(result);
}

class Symbol {
  readonly size: number;
  readonly dark: boolean[][];
  private readonly fixed: boolean[][]; // modules that hold no data

  constructor(private readonly version: number) {
    this.size = version * 4 + 17;
    const plane = (): boolean[][] => Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
    this.dark = plane();
    this.fixed = plane();
    this.drawPatterns();
  }

  private set(x: number, y: number, dark: boolean): void {
    this.dark[y]![x] = dark;
    this.fixed[y]![x] = true;
  }

  private drawPatterns(): void {
    for (let i = 0; i < this.size; i += 1) {
      this.set(6, i, i % 2 === 0);
      this.set(i, 6, i % 2 === 0);
    }
    const last = this.size - 4;
    for (const [x, y] of [[3, 3], [last, 3], [3, last]] as const) this.drawRings(x, y, 4, (ring) => ring !== 2 && ring !== 4);
    const positions = alignmentPositions(this.version);
    const end = positions.length - 1;
    positions.forEach((x, i) => {
      positions.forEach((y, j) => {
        const onFinder = (i === 0 && j === 0) || (i === 0 && j === end) || (i === end && j === 0);
        if (!onFinder) this.drawRings(x, y, 2, (ring) => ring !== 1);
      });
    });
    this.drawFormat(0); // reserves its modules
    if (this.version >= 7) this.drawVersion();
  }

  private drawRings(x: number, y: number, radius: number, dark: (ring: number) => boolean): void {
    for (let dy = -radius; dy <= radius; dy += 1) {
      for (let dx = -radius; dx <= radius; dx += 1) {
        const inside = x + dx >= 0 && x + dx < this.size && y + dy >= 0 && y + dy < this.size;
        if (inside) this.set(x + dx, y + dy, dark(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  }

  drawFormat(mask: number): void {
    const data = (levelBits << 3) | mask;
    let remainder = data;
    for (let i = 0; i < 10; i += 1) remainder = (remainder << 1) ^ ((remainder >> 9) * 0x537);
    const bits = ((data << 10) | remainder) ^ 0x5412;
    const bit = (i: number): boolean => ((bits >> i) & 1) !== 0;
    for (let i = 0; i <= 5; i += 1) this.set(8, i, bit(i));
    this.set(8, 7, bit(6));
    this.set(8, 8, bit(7));
    this.set(7, 8, bit(8));
    for (let i = 9; i < 15; i += 1) this.set(14 - i, 8, bit(i));
    for (let i = 0; i < 8; i += 1) this.set(this.size - 1 - i, 8, bit(i));
    for (let i = 8; i < 15; i += 1) this.set(8, this.size - 15 + i, bit(i));
    this.set(8, this.size - 8, true);
  }

  private drawVersion(): void {
    let remainder = this.version;
    for (let i = 0; i < 12; i += 1) remainder = (remainder << 1) ^ ((remainder >> 11) * 0x1f25);
    const bits = (this.version << 12) | remainder;
    for (let i = 0; i < 18; i += 1) {
      const dark = ((bits >> i) & 1) !== 0;
      const a = this.size - 11 + (i % 3);
      const b = Math.floor(i / 3);
      this.set(a, b, dark);
      this.set(b, a, dark);
    }
  }

  /** In columns of two, from the right, upwards and downwards in turn. */
  drawData(bytes: Uint8Array): void {
    let at = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      for (let step = 0; step < this.size; step += 1) {
        const upwards = ((right + 1) & 2) === 0;
        const y = upwards ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y]![x]) continue;
          this.dark[y]![x] = at < bytes.length * 8 && ((bytes[at >> 3]! >> (7 - (at & 7))) & 1) !== 0;
          at += 1;
        }
      }
    }
  }

  /** Twice the same is as if nothing had been done. */
  applyMask(mask: number): void {
    for (let y = 0; y < this.size; y += 1)
      for (let x = 0; x < this.size; x += 1)
        if (!this.fixed[y]![x] && masks[mask]!(x, y)) this.dark[y]![x] = !this.dark[y]![x];
  }

  /** How hard it is to read, by the four rules of the standard. */
  penalty(): number {
    let total = 0;
    const columns = this.dark.map((_, x) => this.dark.map((row) => row[x]!));
    for (const line of [...this.dark, ...columns]) total += linePenalty(line);
    let darkModules = 0;
    for (let y = 0; y < this.size; y += 1) {
      for (let x = 0; x < this.size; x += 1) {
        const colour = this.dark[y]![x]!;
        if (colour) darkModules += 1;
        if (x > 0 && y > 0 && this.dark[y]![x - 1] === colour && this.dark[y - 1]![x] === colour && this.dark[y - 1]![x - 1] === colour)
          total += 3;
      }
    }
    return total + Math.floor(Math.abs(darkModules * 20 - this.size * this.size * 10) / (this.size * this.size)) * 10;
  }
}

const masks: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Runs of five and more, and what looks like a finder pattern with four light modules on one side. */
function linePenalty(line: readonly boolean[]): number {
  let total = 0;
  for (let start = 0; start < line.length; ) {
    let end = start + 1;
    while (end < line.length && line[end] === line[start]) end += 1;
    if (end - start >= 5) total += end - start - 2;
    start = end;
  }
  const finder = [true, false, true, true, true, false, true];
  for (let at = 0; at + 7 <= line.length; at += 1) {
    if (!finder.every((dark, i) => line[at + i] === dark)) continue;
    const light = (from: number): boolean => [0, 1, 2, 3].every((i) => line[from + i] !== true); // the quiet zone is light
    if (light(at - 4) || light(at + 7)) total += 40;
  }
  return total;
}

/** The smallest symbol that holds the UTF-8 bytes of `text`, or null where none does (more than 2331 bytes). */
export function encodeQr(text: string): QrMatrix | null {
  const content = new TextEncoder().encode(text);
  for (let version = 1; version <= 40; version += 1) {
    const capacity = symbolBytes(version) - correctionBytes[version - 1]! * blockCounts[version - 1]!;
    if (4 + (version < 10 ? 8 : 16) + content.length * 8 > capacity * 8) continue;
    const symbol = new Symbol(version);
    symbol.drawData(interleaved(dataBytes(content, version, capacity), version));
    let best = 0;
    let least = Infinity;
    for (let mask = 0; mask < masks.length; mask += 1) {
      symbol.applyMask(mask);
      symbol.drawFormat(mask);
      const penalty = symbol.penalty();
      if (penalty < least) [best, least] = [mask, penalty];
      symbol.applyMask(mask);
    }
    symbol.applyMask(best);
    symbol.drawFormat(best);
    return symbol.dark;
  }
  return null;
}
