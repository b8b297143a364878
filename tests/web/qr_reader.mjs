// Reads a QR code of byte mode and level M back, by another way than the writer's: positions come from the format that is
// read, bytes are checked as Reed-Solomon code words by their syndromes. Throws where something does not fit.
import assert from "node:assert/strict";

// Version: [blocks, data bytes of the first, blocks with one more, ...] of level M; those that the tests use.
const layouts = {
  1: { correction: 10, blocks: [16] },
  2: { correction: 16, blocks: [28] },
  3: { correction: 26, blocks: [44] },
  4: { correction: 18, blocks: [32, 32] },
  5: { correction: 24, blocks: [43, 43] },
  7: { correction: 18, blocks: [31, 31, 31, 31] },
  8: { correction: 22, blocks: [38, 38, 39, 39] },
  10: { correction: 26, blocks: [43, 43, 43, 43, 44] },
  14: { correction: 24, blocks: [40, 40, 40, 40, 41, 41, 41, 41, 41] },
  40: { correction: 28, blocks: [...Array(18).fill(47), ...Array(31).fill(48)] },
};
const alignments = { 1: [], 2: [6, 18], 3: [6, 22], 4: [6, 26], 5: [6, 30], 7: [6, 22, 38], 8: [6, 24, 42], 10: [6, 28, 50], 14: [6, 26, 46, 66], 40: [6, 30, 58, 86, 114, 142, 170] };
// The 15 bits of level M and masks 0 to 7, from table C.1 of the standard.
const formats = [0x5412, 0x5125, 0x5e7c, 0x5b4b, 0x45f9, 0x40ce, 0x4f97, 0x4aa0];
const masks = [
  (i, j) => (i + j) % 2,
  (i) => i % 2,
  (_, j) => j % 3,
  (i, j) => (i + j) % 3,
  (i, j) => (Math.floor(i / 2) + Math.floor(j / 3)) % 2,
  (i, j) => ((i * j) % 2) + ((i * j) % 3),
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2,
];

const exponents = [];
for (let i = 0, value = 1; i < 255; i += 1) {
  exponents.push(value);
  value = (value << 1) ^ (value & 0x80 ? 0x11d : 0);
}

/** Value of the polynomial with these coefficients, the highest first, at 2^power. */
function valueAt(bytes, power) {
  let sum = 0;
  bytes.forEach((byte, i) => {
    if (byte !== 0) sum ^= exponents[(exponents.indexOf(byte) + power * (bytes.length - 1 - i)) % 255];
  });
  return sum;
}

export function readQr(rows) {
  const size = rows.length;
  const version = (size - 17) / 4;
  const layout = layouts[version];
  assert.ok(layout, `no layout for version ${version}`);
  rows.forEach((row) => assert.equal(row.length, size));

  const bitsAt = (places) => places.reduce((bits, [i, j]) => (bits << 1) | (rows[i][j] ? 1 : 0), 0);
  const first = [[8, 0], [8, 1], [8, 2], [8, 3], [8, 4], [8, 5], [8, 7], [8, 8], [7, 8], [5, 8], [4, 8], [3, 8], [2, 8], [1, 8], [0, 8]];
  const second = [...Array.from({ length: 7 }, (_, k) => [size - 1 - k, 8]), ...Array.from({ length: 8 }, (_, k) => [8, size - 8 + k])];
  assert.equal(bitsAt(first), bitsAt(second), "both copies of the format");
  const mask = formats.indexOf(bitsAt(first));
  assert.ok(mask >= 0, "a format of level M");
  assert.equal(rows[size - 8][8], true, "the dark module");

  const used = Array.from({ length: size }, () => Array(size).fill(false));
  const use = (i, j, height, width) => {
    for (let a = 0; a < height; a += 1) for (let b = 0; b < width; b += 1) used[i + a][j + b] = true;
  };
  const expect = (i, j, pattern) => pattern.forEach((line, a) => [...line].forEach((cell, b) => assert.equal(rows[i + a][j + b], cell === "#", `pattern at ${i + a},${j + b}`)));
  const finder = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"];
  for (const [i, j] of [[0, 0], [0, size - 7], [size - 7, 0]]) expect(i, j, finder);
  use(0, 0, 9, 9);
  use(0, size - 8, 9, 8);
  use(size - 8, 0, 8, 9);
  for (let k = 8; k < size - 8; k += 1) {
    assert.equal(rows[6][k], k % 2 === 0, "timing");
    assert.equal(rows[k][6], k % 2 === 0, "timing");
  }
  use(6, 0, 1, size);
  use(0, 6, size, 1);
  const centres = alignments[version];
  const last = centres.at(-1);
  for (const i of centres)
    for (const j of centres) {
      if ((i === 6 && j === 6) || (i === 6 && j === last) || (i === last && j === 6)) continue;
      expect(i - 2, j - 2, ["#####", "#...#", "#.#.#", "#...#", "#####"]);
      use(i - 2, j - 2, 5, 5);
    }
  if (version >= 7) {
    use(0, size - 11, 6, 3);
    use(size - 11, 0, 3, 6);
    const bits = Array.from({ length: 18 }, (_, k) => 17 - k);
    const right = bitsAt(bits.map((k) => [Math.floor(k / 3), size - 11 + (k % 3)]));
    const below = bitsAt(bits.map((k) => [size - 11 + (k % 3), Math.floor(k / 3)]));
    assert.equal(right, below, "both copies of the version");
    assert.equal(right >> 12, version, "the version");
  }

  const bits = [];
  let upwards = true;
  for (let j = size - 1; j > 0; j -= 2, upwards = !upwards) {
    if (j === 6) j -= 1;
    for (let k = 0; k < size; k += 1) {
      const i = upwards ? size - 1 - k : k;
      for (const column of [j, j - 1]) if (!used[i][column]) bits.push(rows[i][column] !== (masks[mask](i, column) === 0) ? 1 : 0);
    }
  }
  const bytes = [];
  for (let k = 0; k + 8 <= bits.length; k += 8) bytes.push(parseInt(bits.slice(k, k + 8).join(""), 2));

  const blocks = layout.blocks.map(() => []);
  let at = 0;
  for (let k = 0; k < Math.max(...layout.blocks); k += 1) layout.blocks.forEach((length, b) => k < length && blocks[b].push(bytes[at++]));
  const data = blocks.flatMap((block) => [...block]);
  for (let k = 0; k < layout.correction; k += 1) for (const block of blocks) block.push(bytes[at++]);
  assert.equal(at, bytes.length, "every byte belongs to a block");
  for (const block of blocks) for (let power = 0; power < layout.correction; power += 1) assert.equal(valueAt(block, power), 0, "a syndrome");

  const stream = data.map((byte) => byte.toString(2).padStart(8, "0")).join("");
  assert.equal(stream.slice(0, 4), "0100", "byte mode");
  const lengthBits = version < 10 ? 8 : 16;
  const length = parseInt(stream.slice(4, 4 + lengthBits), 2);
  const start = 4 + lengthBits;
  const content = Array.from({ length }, (_, k) => parseInt(stream.slice(start + 8 * k, start + 8 * k + 8), 2));
  return { text: new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(content)), version, mask };
}
