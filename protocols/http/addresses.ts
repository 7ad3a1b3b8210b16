/** Which hosts are this machine itself: nobody from outside may send us there. */

/** RFC 1122 loopback and "this host", RFC 3927 link-local (where clouds keep their credentials). */
const LOCAL_IPV4 = /^(0|127)\.|^169\.254\./;
/** Unspecified, loopback, link-local (RFC 4291), as `URL` writes them. */
const LOCAL_IPV6 = /^\[(::1?|fe[89ab][0-9a-f]:.*)\]$/;
/** IPv4 in IPv6, as `URL` writes it: two groups of hexadecimal digits. */
const MAPPED_IPV4 = /^\[::ffff:([0-9a-f]{1,4}):[0-9a-f]{1,4}\]$/;

/**
 * Whether the host of a parsed URL is loopback, link-local or unspecified by its spelling. `URL` has
 * normalised odd forms (`0x7f.1`, `2130706433`) before; names are not resolved here.
 */
export function isLocalHost(url: URL): boolean {
  const host = url.hostname.replace(/\.$/, "");
  if (host === "localhost" || host.endsWith(".localhost")) return true;
  const mapped = MAPPED_IPV4.exec(host);
  if (mapped === null) return LOCAL_IPV4.test(host) || LOCAL_IPV6.test(host);
  const high = parseInt(mapped[1]!, 16);
  return LOCAL_IPV4.test(`${high >> 8}.${high & 0xff}.`);
}
