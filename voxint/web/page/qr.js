/**
 * QR codes, so that the link of a session need not be told to any server: ISO/IEC 18004, byte mode, level M, versions
 * 1 to 10 (213 bytes). Pure: from a text to rows of dark and light modules.
 */

/** By version from 1: codewords in all, those of a block for correction, blocks; the standard's table 9, level M. */
const SIZES = /** @type {const} */ ([
  [26, 10, 1], [44, 16, 1], [70, 26, 1], [100, 18, 2], [134, 24, 2],
  [172, 16, 4], [196, 18, 4], [242, 22, 4], [292, 22, 5], [346, 26, 5],
]);

/** Where a mask turns a module over; i is the row, j the column. @type {((i: number, j: number) => boolean)[]} */
const MASKS = [
  (i, j) => (i + j) % 2 === 0,
  (i) => i % 2 === 0,
  (_, j) => j % 3 === 0,
  (i, j) => (i + j) % 3 === 0,
  (i, j) => ((i >> 1) + Math.floor(j / 3)) % 2 === 0,
  (i, j) => ((i * j) % 2) + ((i * j) % 3) === 0,
  (i, j) => (((i * j) % 2) + ((i * j) % 3)) % 2 === 0,
  (i, j) => (((i + j) % 2) + ((i * j) % 3)) % 2 === 0,
];

/** @typedef {boolean[][]} Matrix rows of modules; true is dark */

/**
 * @param {string} text
 * @returns {Matrix | null} null where it is longer than 213 bytes
 */
export function qr(text) {
  const bytes = new TextEncoder().encode(text);
  const version = 1 + SIZES.findIndex((_, index) => bytes.length <= room(index + 1));
  if (version === 0) return null;
  const codewords = protectedData(dataOf(bytes, version), version);
  const { modules, fixed } = patterns(version);
  place(codewords, modules, fixed);
  const candidates = MASKS.map((mask, number) => masked(modules, fixed, mask, number));
  return candidates.reduce((best, next) => (penalty(next) < penalty(best) ? next : best));
}

/** @param {number} version */
function sizeOf(version) {
  const [total, check, blocks] = SIZES[version - 1] ?? SIZES[0];
  return { data: total - check * blocks, check, blocks };
}

/** @param {number} version @returns {number} bytes of text that it takes */
function room(version) {
  return sizeOf(version).data - (version < 10 ? 2 : 3); // mode and length take 12 or 20 bits
}

/** @param {Uint8Array} bytes @param {number} version */
function dataOf(bytes, version) {
  /** @type {number[]} */
  const bits = [];
  /** @type {(value: number, length: number) => void} */
  const push = (value, length) => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  push(0b0100, 4);
  push(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => push(byte, 8));
  push(0, 4); // the terminator: there is always room for it, as text and header leave half a byte
  const data = [];
  for (let at = 0; at < bits.length; at += 8) data.push(bits.slice(at, at + 8).reduce((sum, bit) => sum * 2 + bit, 0));
  for (let pad = 0xec; data.length < sizeOf(version).data; pad ^= 0xec ^ 0x11) data.push(pad);
  return data;
}

/** Multiply in the field of 256 elements over x^8 + x^4 + x^3 + x^2 + 1. @param {number} a @param {number} b */
function times(a, b) {
  let product = 0;
  for (; b > 0; b >>= 1) {
    if (b & 1) product ^= a;
    a = (a << 1) ^ (a & 0x80 ? 0x11d : 0);
  }
  return product;
}

/** @param {number[]} data @param {number} count @returns {number[]} the Reed-Solomon codewords of a block */
function checkOf(data, count) {
  let generator = [1];
  for (let step = 0, root = 1; step < count; step++, root = times(root, 2)) {
    generator = [...generator, 0].map((value, at) => value ^ times(generator[at - 1] ?? 0, root));
  }
  const rest = [...data, ...new Array(count).fill(0)];
  for (let at = 0; at < data.length; at++) {
    const factor = rest[at] ?? 0;
    generator.forEach((value, step) => (rest[at + step] = (rest[at + step] ?? 0) ^ times(value, factor)));
  }
  return rest.slice(data.length);
}

/** @param {number[]} data @param {number} version @returns {number[]} the blocks, interleaved */
function protectedData(data, version) {
  const { check, blocks } = sizeOf(version);
  const short = Math.floor(data.length / blocks);
  const longFrom = blocks - (data.length % blocks);
  let from = 0;
  const sizes = Array.from({ length: blocks }, (_, block) => short + (block >= longFrom ? 1 : 0));
  const parts = sizes.map((size) => data.slice(from, (from += size)));
  const checks = parts.map((part) => checkOf(part, check));
  /** @type {(rows: number[][], length: number) => number[]} */
  const woven = (rows, length) =>
    Array.from({ length }, (_, at) => rows.flatMap((row) => (at < row.length ? [row[at] ?? 0] : []))).flat();
  return [...woven(parts, short + 1), ...woven(checks, check)];
}

/** Draw what is the same whatever is encoded, and mark it as fixed. @param {number} version */
function patterns(version) {
  const side = 17 + 4 * version;
  /** @type {Matrix} */
  const modules = Array.from({ length: side }, () => new Array(side).fill(false));
  /** @type {Matrix} */
  const fixed = Array.from({ length: side }, () => new Array(side).fill(false));
  /** @type {(i: number, j: number, dark: boolean) => void} */
  const set = (i, j, dark) => {
    const row = modules[i];
    const marks = fixed[i];
    if (row === undefined || marks === undefined || j < 0 || j >= side) return;
    row[j] = dark;
    marks[j] = true;
  };
  /** Rings round a middle: which of them are dark. @type {(i: number, j: number, dark: boolean[]) => void} */
  const rings = (i, j, dark) => {
    const reach = dark.length - 1;
    for (let y = -reach; y <= reach; y++) {
      for (let x = -reach; x <= reach; x++) set(i + y, j + x, dark[Math.max(Math.abs(x), Math.abs(y))] ?? false);
    }
  };
  for (let at = 8; at < side - 8; at++) [set(6, at, at % 2 === 0), set(at, 6, at % 2 === 0)];
  for (const [i, j] of [[3, 3], [3, side - 4], [side - 4, 3]]) rings(i ?? 3, j ?? 3, [true, true, false, true, false]);
  const centres = version === 1 ? [] : version < 7 ? [6, side - 7] : [6, (side - 1) / 2, side - 7];
  for (const i of centres) {
    for (const j of centres) {
      const inFinder = (i === 6 && (j === 6 || j === side - 7)) || (j === 6 && i === side - 7);
      if (!inFinder) rings(i, j, [true, false, true]);
    }
  }
  writeFormat(set, side, 0); // its place is kept; each mask writes its own
  if (version >= 7) {
    const bits = withCheck(version, 12, 0x1f25);
    for (let bit = 0; bit < 18; bit++) {
      const dark = ((bits >> bit) & 1) === 1;
      const [far, near] = [side - 11 + (bit % 3), Math.floor(bit / 3)];
      set(far, near, dark);
      set(near, far, dark);
    }
  }
  return { modules, fixed };
}

/** Add the check bits of a BCH code. @param {number} value @param {number} length @param {number} generator */
function withCheck(value, length, generator) {
  let rest = value << length;
  for (let bit = 31; bit >= length; bit--) if ((rest >> bit) & 1) rest ^= generator << (bit - length);
  return (value << length) | rest;
}

/** @param {(i: number, j: number, dark: boolean) => void} set @param {number} side @param {number} mask */
function writeFormat(set, side, mask) {
  const bits = withCheck(mask, 10, 0x537) ^ 0x5412; // level M is 00: the value is the mask's number
  for (let bit = 0; bit < 15; bit++) {
    const dark = ((bits >> bit) & 1) === 1;
    set(bit < 6 ? bit : bit < 8 ? bit + 1 : side - 15 + bit, 8, dark);
    set(8, bit < 8 ? side - 1 - bit : bit === 8 ? 7 : 14 - bit, dark);
  }
  set(side - 8, 8, true);
}

/**
 * Lay the bits in pairs of columns, upward and downward, from the right.
 *
 * @param {number[]} codewords
 * @param {Matrix} modules
 * @param {Matrix} fixed
 */
function place(codewords, modules, fixed) {
  const side = modules.length;
  let next = 0;
  for (let right = side - 1; right > 0; right -= 2) {
    if (right === 6) right = 5; // the column of the timing pattern
    const upward = ((right + 1) & 2) === 0;
    for (let step = 0; step < side; step++) {
      const i = upward ? side - 1 - step : step;
      for (const j of [right, right - 1]) {
        const row = modules[i];
        if (row === undefined || fixed[i]?.[j]) continue;
        row[j] = (((codewords[next >> 3] ?? 0) >> (7 - (next & 7))) & 1) === 1;
        next++;
      }
    }
  }
}

/** @param {Matrix} modules @param {Matrix} fixed @param {typeof MASKS[0]} mask @param {number} number */
function masked(modules, fixed, mask, number) {
  const made = modules.map((row, i) => row.map((dark, j) => (fixed[i]?.[j] ? dark : dark !== mask(i, j))));
  writeFormat((i, j, dark) => { const row = made[i]; if (row) row[j] = dark; }, made.length, number);
  return made;
}

/** Judge a mask as the standard does: the less, the easier to read. @param {Matrix} modules */
function penalty(modules) {
  const side = modules.length;
  const rows = modules.map((row) => row.map(Number).join(""));
  const columns = rows.map((_, j) => rows.map((row) => row[j]).join(""));
  let sum = 0;
  for (const line of [...rows, ...columns]) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) sum += run.length - 2;
    sum += 40 * [...line.matchAll(/(?=10111010000|00001011101)/g)].length;
  }
  for (let i = 1; i < side; i++) {
    for (let j = 1; j < side; j++) {
      const dark = modules[i]?.[j];
      if (dark === modules[i - 1]?.[j] && dark === modules[i]?.[j - 1] && dark === modules[i - 1]?.[j - 1]) sum += 3;
    }
  }
  const share = (rows.join("").split("1").length - 1) / (side * side);
  return sum + 10 * Math.floor(Math.abs(share * 20 - 10));
}
