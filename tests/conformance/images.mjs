// Small images, and what the head of an image says: nothing here decodes one.
import zlib from "node:zlib";

const file = (base64) => Buffer.from(base64, "base64");

/** 20x12 as stored, to be turned by a quarter when shown. */
export const TURNED_JPEG = file(
  "/9j/4AAQSkZJRgABAQAAAQABAAD/4QAiRXhpZgAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+A" +
    "jIqgtObDoKrarYqMyP/L2u71////m8H////6/+b9//j/wAALCAAMABQBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAT/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oA" +
    "CAEBAAA/AJwAf//Z",
);

/** 20x12. */
export const WEBP = file("UklGRh4AAABXRUJQVlA4TBEAAAAvE8ACAAdQjyLXo/+BiOh/AAA=");

/** 20x12, two pictures. */
export const MOVING_GIF = file(
  "R0lGODdhFAAMAIEAAP8AAAAA/wAAAAAAACwAAAAAFAAMAAAIGwABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsWLCgAAh+QQBAAABACwAAAAAFAAMAIEAAP8AAAAAAAAA" +
    "AAAIGwABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsWLCgAA7",
);

/** A red image of that size. */
export function png(width, height) {
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(width * 3, Buffer.of(200, 30, 30))]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8); // bits of a colour, red green blue
  const pixels = zlib.deflateSync(Buffer.concat(Array(height).fill(row)));
  const chunks = [chunk("IHDR", head), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), ...chunks]);
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(zlib.crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

/** What an image is and how large it says it is: `png 30x18`. */
export function look(image) {
  if (image.toString("latin1", 1, 4) === "PNG") return `png ${image.readUInt32BE(16)}x${image.readUInt32BE(20)}`;
  if (image.toString("latin1", 0, 3) === "GIF") return `gif ${image.readUInt16LE(6)}x${image.readUInt16LE(8)}`;
  if (image.readUInt16BE(0) === 0xffd8) {
    // Segments follow each other up to the one that begins a frame.
    for (let at = 2; at + 9 < image.length; at += 2 + image.readUInt16BE(at + 2)) {
      if ([0xc0, 0xc1, 0xc2].includes(image[at + 1])) return `jpeg ${image.readUInt16BE(at + 7)}x${image.readUInt16BE(at + 5)}`;
    }
  }
  return "no image";
}
