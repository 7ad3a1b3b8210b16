/**
 * Hosts and addresses as they are, however they were spelled: `0x7f.1`, `2130706433`, `１２７.0.0.1`,
 * `[::ffff:7f00:1]` and `127.0.0.1.` are one address, and so are all forms that carry IPv4 in IPv6.
 */

/** The bytes of an address: 4 or 16. */
export type Address = Uint8Array;

/** A host in its one form. */
export interface Host {
  /** Lower case, without a dot at its end and without brackets; an address in its usual form. */
  readonly name: string;
  /** `null` for a name that has to be resolved. */
  readonly address: Address | null;
}

/** A range of addresses: all that begin with the same bits. */
export interface AddressRange {
  readonly address: Address;
  readonly bits: number;
}

/** What an address is to whoever may be sent there. */
export type Scope = "public" | "private" | "loopback" | "linkLocal" | "metadata" | "nowhere";

/** Characters that end a host, or that a URL drops from it. */
// deno-lint-ignore no-control-regex -- control characters are what is refused here
const NO_HOST = /[\x00-\x20\x7f/?#@\\]/;
const DOTTED = /^\d{1,3}(\.\d{1,3}){3}$/;

/** The host that `text` spells; `null` if it spells none, zone ids (`fe80::1%eth0`) included. */
export function hostOf(text: string): Host | null {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (bare === "" || NO_HOST.test(bare)) return null;
  const isSix = bare.includes(":");
  // A URL's host is the one form that every spelling ends in (WHATWG URL, host parsing).
  const parsed = URL.parse(`http://${isSix ? `[${bare}]` : bare}/`)?.hostname;
  if (parsed === undefined || parsed === "") return null;
  const name = parsed.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  return name === "" ? null : { name, address: addressOf(name) };
}

/** The bytes of an address in its usual form, `null` for anything else. */
export function addressOf(text: string): Address | null {
  if (DOTTED.test(text)) {
    const bytes = text.split(".").map(Number);
    return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : null;
  }
  if (!text.includes(":")) return null;
  const canonical = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
  return canonical === undefined ? null : sixteenBytes(canonical);
}

/** Of the form that `URL` writes: groups of hexadecimal digits, `::` at most once. */
function sixteenBytes(canonical: string): Address {
  const [head = "", tail] = canonical.split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((one) => parseInt(one, 16));
  const [first, last] = [groups(head), groups(tail ?? "")];
  const middle = new Array<number>(8 - first.length - last.length).fill(0);
  return Uint8Array.from(
    [...first, ...middle, ...last].flatMap((group) => [group >> 8, group & 255]),
  );
}

/** The range that `text` spells, an address alone being a range of one; `null` if it spells none. */
export function rangeOf(text: string): AddressRange | null {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = addressOf(match?.[1] ?? "");
  if (address === null) return null;
  const most = address.length * 8;
  const bits = match?.[2] === undefined ? most : Number(match[2]);
  return bits <= most ? { address, bits } : null;
}

/** Whether an address lies in a range, as it stands or as the IPv4 address that it carries. */
export function isIn(range: AddressRange, address: Address): boolean {
  return sharesBits(range, address) || sharesBits(range, carried(address));
}

function sharesBits({ address: start, bits }: AddressRange, address: Address): boolean {
  if (start.length !== address.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at += 1) if (start[at] !== address[at]) return false;
  const rest = bits & 7;
  return rest === 0 || (start[whole]! ^ address[whole]!) >> (8 - rest) === 0;
}

function ranges(...texts: readonly string[]): AddressRange[] {
  return texts.map((text) => rangeOf(text)!);
}

/** The first that fits counts. RFC 6890 and its registries where not said otherwise. */
const SCOPES: readonly (readonly [Scope, readonly AddressRange[]])[] = [
  // Where clouds give credentials to whoever asks: AWS, Azure, Alibaba, Oracle, Google.
  [
    "metadata",
    ranges(
      ...["169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200"],
      ...["192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"],
    ),
  ],
  // "This host" among them: a connection to 0.0.0.0 arrives here.
  ["loopback", ranges("127.0.0.0/8", "0.0.0.0/8", "::1", "::")],
  ["linkLocal", ranges("169.254.0.0/16", "fe80::/10")],
  [
    "private",
    ranges(
      ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24"],
      ...["198.18.0.0/15", "fc00::/7", "fec0::/10", "64:ff9b:1::/48"],
    ),
  ],
  ["nowhere", ranges("224.0.0.0/4", "240.0.0.0/4", "ff00::/8", "100::/64")],
];

/** Where in an IPv6 address an IPv4 address stands: mapped, compatible, NAT64, 6to4. */
const CARRIERS: readonly (readonly [AddressRange, number])[] = [
  [rangeOf("::ffff:0:0/96")!, 12],
  [rangeOf("::/96")!, 12],
  [rangeOf("64:ff9b::/96")!, 12],
  [rangeOf("2002::/16")!, 2],
];

/** The IPv4 address that an IPv6 address carries, else the address itself. */
function carried(address: Address): Address {
  if (address.length === 4 || isHostItself(address)) return address;
  const carrier = CARRIERS.find(([range]) => sharesBits(range, address));
  return carrier === undefined ? address : address.subarray(carrier[1], carrier[1] + 4);
}

/** `::` and `::1` begin as addresses that carry IPv4 do. */
function isHostItself(address: Address): boolean {
  return address.subarray(0, 15).every((byte) => byte === 0) && address[15]! <= 1;
}

/** What an address is. */
export function scopeOf(address: Address): Scope {
  const judged = carried(address);
  const found = SCOPES.find(([, all]) => all.some((range) => sharesBits(range, judged)));
  return found?.[0] ?? "public";
}

/** Names by which clouds call their metadata service. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  "metadata.google.internal",
  "metadata.goog",
  "instance-data.ec2.internal",
]);

/** What a host is as far as its name tells; `null` where only its addresses can. */
export function scopeOfHost({ name, address }: Host): Scope | null {
  if (address !== null) return scopeOf(address);
  if (METADATA_NAMES.has(name)) return "metadata";
  return name === "localhost" || name.endsWith(".localhost") ? "loopback" : null;
}
