import { inflateRawSync } from 'node:zlib';

// unzip returns the text of a file in a zip.
export function unzip(zip, name) {
  const end = zip.lastIndexOf('PK\x05\x06');
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    const [size, length, extra, comment] = [zip.readUInt32LE(at + 20), ...[28, 30, 32].map((field) => zip.readUInt16LE(at + field))];
    if (zip.toString('latin1', at + 46, at + 46 + length) === name) {
      const header = zip.readUInt32LE(at + 42);
      const content = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
      return inflateRawSync(zip.subarray(content, content + size)).toString('utf8');
    }
    at += 46 + length + extra + comment;
  }
  throw new Error(`${name} is not in the zip`);
}
