/** A file as a field of a form (RFC 7578), in the bytes before and after it. */

const UTF8 = new TextEncoder();

/** What stands around a file, and the header that says so. */
export interface FormFrame {
  readonly contentType: string;
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Names as browsers write them (WHATWG HTML, multipart/form-data): what would end the line is escaped. */
function quoted(name: string): string {
  const escaped = name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  return `"${escaped}"`;
}

/**
 * The frame of the file `name` in the field `field`. `random` makes the boundary, which must not occur
 * in the file: 16 bytes that nobody can foretell.
 */
export function formFrame(field: string, name: string, random: Uint8Array): FormFrame {
  const boundary = `quorus-${
    [...random].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  }`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    before: UTF8.encode(
      `--${boundary}\r\n` +
        `Content-Disposition: form-data; name=${quoted(field)}; filename=${quoted(name)}\r\n` +
        `Content-Type: application/octet-stream\r\n\r\n`,
    ),
    after: UTF8.encode(`\r\n--${boundary}--\r\n`),
  };
}
