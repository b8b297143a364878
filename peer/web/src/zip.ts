// ZIP archives that are written as they are read: nothing is compressed, and nothing is held in memory.

export interface ZipEntry {
  /** Path inside the archive, '/' between names. */
  readonly path: string;
  /** Opens the file when its turn comes; null for a folder. */
  readonly open: (() => Promise<Blob>) | null;
}

const tables = (() => {
  const made = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let i = 0; i < 256; i += 1) {
    let value = i;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    made[0]![i] = value;
  }
  for (let i = 0; i < 256; i += 1)
    for (let table = 1; table < 8; table += 1) made[table]![i] = made[0]![made[table - 1]![i]! & 255]! ^ (made[table - 1]![i]! >>> 8);
  return made as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
})();

/** CRC-32 of `bytes` after those that gave `before`; eight bytes at a time. */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~before;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      t7[crc & 255]! ^ t6[(crc >>> 8) & 255]! ^ t5[(crc >>> 16) & 255]! ^ t4[crc >>> 24]! ^
      t3[bytes[at + 4]!]! ^ t2[bytes[at + 5]!]! ^ t1[bytes[at + 6]!]! ^ t0[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at += 1) crc = t0[(crc ^ bytes[at]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Little-endian fields, one after the other. */
class Record {
  private bytes = new Uint8Array(128);
  private length = 0;

  u16(value: number): this {
    this.room(2);
    this.bytes[this.length++] = value & 255;
    this.bytes[this.length++] = (value >>> 8) & 255;
    return this;
  }

  u32(value: number): this {
    return this.u16(value & 0xffff).u16(value >>> 16);
  }

  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  append(more: Uint8Array): this {
    this.room(more.length);
    this.bytes.set(more, this.length);
    this.length += more.length;
    return this;
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }

  private room(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

const flags = 0x0808; // CRC and sizes follow the content; names are UTF-8
const full16 = 0xffff; // in place of a number that stands in the ZIP64 fields
const full32 = 0xffffffff;

interface Written {
  readonly name: Uint8Array;
  readonly folder: boolean;
  /** As MS-DOS writes it: the date in the upper half. */
  readonly time: number;
  readonly offset: number;
  readonly crc: number;
  readonly size: number;
}

function dosTime(milliseconds: number): number {
  const date = new Date(milliseconds);
  const years = Math.min(Math.max(date.getFullYear() - 1980, 0), 127);
  const day = (years << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  return ((day << 16) | (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)) >>> 0;
}

function localHeader(name: Uint8Array, time: number, large: boolean): Uint8Array<ArrayBuffer> {
  const size = large ? full32 : 0;
  const record = new Record().u32(0x04034b50).u16(large ? 45 : 20).u16(flags).u16(0).u32(time).u32(0).u32(size).u32(size);
  record.u16(name.length).u16(large ? 20 : 0).append(name);
  if (large) record.u16(1).u16(16).u64(0).u64(0);
  return record.done();
}

function descriptor(crc: number, size: number, large: boolean): Uint8Array<ArrayBuffer> {
  const record = new Record().u32(0x08074b50).u32(crc);
  return (large ? record.u64(size).u64(size) : record.u32(size).u32(size)).done();
}

function centralHeader(entry: Written): Uint8Array<ArrayBuffer> {
  const large = entry.size >= full32 || entry.offset >= full32;
  const size = large ? full32 : entry.size;
  const record = new Record().u32(0x02014b50).u16(0x0300 | 45).u16(large ? 45 : 20).u16(flags).u16(0).u32(entry.time);
  record.u32(entry.crc).u32(size).u32(size).u16(entry.name.length).u16(large ? 28 : 0).u16(0).u16(0).u16(0);
  record.u32(entry.folder ? 0o40755 * 65536 + 0x10 : 0o100644 * 65536).u32(large ? full32 : entry.offset).append(entry.name);
  if (large) record.u16(1).u16(24).u64(entry.size).u64(entry.size).u64(entry.offset);
  return record.done();
}

function endRecords(count: number, offset: number, size: number): Uint8Array<ArrayBuffer> {
  const record = new Record();
  const large = count >= full16 || offset >= full32 || size >= full32;
  if (large) {
    record.u32(0x06064b50).u64(44).u16(0x0300 | 45).u16(45).u32(0).u32(0).u64(count).u64(count).u64(size).u64(offset);
    record.u32(0x07064b50).u32(0).u64(offset + size).u32(1);
  }
  const entries = large ? full16 : count;
  record.u32(0x06054b50).u16(0).u16(0).u16(entries).u16(entries).u32(large ? full32 : size).u32(large ? full32 : offset).u16(0);
  return record.done();
}

async function* pieces(entries: Iterable<ZipEntry>): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const written: Written[] = [];
  let offset = 0;
  for (const entry of entries) {
    const content = entry.open === null ? null : await entry.open();
    const name = new TextEncoder().encode(content === null ? `${entry.path}/` : entry.path);
    const time = dosTime((content as Partial<File> | null)?.lastModified ?? Date.now());
    const start = offset;
    const large = content !== null && content.size >= full32;
    const header = localHeader(name, time, large);
    yield header;
    offset += header.length;
    let [crc, size] = [0, 0];
    if (content !== null) {
      const reader = (content.stream() as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        crc = crc32(read.value, crc);
        size += read.value.length;
        yield read.value;
      }
      if (size !== content.size) throw new Error("a file changed while it was packed");
    }
    const end = descriptor(crc, size, large);
    yield end;
    offset += size + end.length;
    written.push({ name, folder: content === null, time, offset: start, crc, size });
  }
  const directory = offset;
  for (const entry of written) {
    const header = centralHeader(entry);
    yield header;
    offset += header.length;
  }
  yield endRecords(written.length, directory, offset - directory);
}

/** The archive as a stream, with ZIP64 fields where they are needed. It fails when a file cannot be read. */
export function zip(entries: Iterable<ZipEntry>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const source = pieces(entries);
  return new ReadableStream(
    {
      async pull(controller) {
        const piece = await source.next();
        if (piece.done) controller.close();
        else controller.enqueue(piece.value);
      },
      async cancel() {
        await source.return(undefined);
      },
    },
    { highWaterMark: 1 },
  );
}
