/**
 * The layer table of the design as data, and the one function that judges an import by it.
 *
 * Paths are relative to the repository, with forward slashes. A prefix that ends in "/" is a folder,
 * one that ends in ".ts" is a file, any other one stands for every file and folder that begins so.
 */

/** A part of the house: who belongs to it and what it may import. */
interface Room {
  readonly name: string;
  readonly owns: readonly string[];
  /** Prefixes of our own files that it may import. */
  readonly local: readonly string[];
  /** npm packages it may import; "any" for tests and examples. */
  readonly packages: readonly string[] | "any";
  /** node: modules it may import: none, those without input and output, or any. */
  readonly builtins: "none" | "pure" | "any";
  readonly why: string;
}

/** What every transfer protocol is held to, and nothing of any one of them. */
const CONTRACT: readonly string[] = [
  "protocols/contract.ts",
  "protocols/credentials.ts",
  "protocols/directory.ts",
  "protocols/endpoint.ts",
  "protocols/errors.ts",
];

/** What protocols from outside are written with beside the contract. */
const PLUG_IN: readonly string[] = [
  "protocols/aborting.ts",
  "protocols/containment.ts",
  "protocols/fingerprint.ts",
  "protocols/path_uri.ts",
  "protocols/reach.ts",
];

/** The first room that owns a file is the file's room, so the narrow ones stand first. */
const rooms: readonly Room[] = [
  {
    name: "runtime/base",
    owns: ["runtime/base/"],
    local: ["runtime/base/"],
    packages: [],
    builtins: "none",
    why: "base is under everything and imports nothing",
  },
  {
    name: "the Raft core",
    owns: ["runtime/raft/core/"],
    local: ["runtime/raft/core/", "runtime/base/"],
    packages: [],
    builtins: "none",
    why: "the core is a pure step function; the group around it does the work",
  },
  {
    name: "the real Env",
    owns: ["runtime/env/real"],
    local: ["runtime/"],
    packages: ["zod", "ws", "fzstd", "xxhash-wasm"],
    builtins: "any",
    why: "it is the one place that touches the machine",
  },
  {
    name: "runtime/env",
    owns: ["runtime/env/"],
    local: ["runtime/"],
    packages: ["zod", "ws"],
    builtins: "pure",
    why: "the ports must not depend on who uses them",
  },
  {
    name: "runtime",
    owns: ["runtime/"],
    local: ["runtime/"],
    packages: ["zod"],
    builtins: "pure",
    why: "the runtime knows no file, job or tenant, so that any Deno service can use it alone",
  },
  {
    name: "workflows",
    owns: ["workflows/"],
    local: ["workflows/", "runtime/base/"],
    packages: ["zod", "yaml", "@marcbachmann/cel-js", "re2js"],
    builtins: "pure",
    why: "the language is pure: values in, values out, never an Env",
  },
  {
    name: "protocols",
    owns: ["protocols/"],
    local: ["protocols/", "runtime/base/", "runtime/env/", "runtime/telemetry/"],
    packages: ["zod"],
    builtins: "pure",
    why: "a transfer protocol knows bytes and its Env, no job and no actor",
  },
  {
    name: "actors",
    owns: ["actors/"],
    local: [
      "actors/",
      "runtime/",
      "workflows/",
      ...CONTRACT,
      "protocols/addresses.ts",
      "protocols/fingerprint.ts",
      "protocols/limits.ts",
      "protocols/reach_rules.ts",
      "protocols/registry",
      "protocols/encoded/encoded.ts",
      "protocols/wrappers/throttle.ts",
    ],
    packages: ["zod"],
    builtins: "pure",
    why: "the domain sees transfer protocols through their contract and registry only",
  },
  {
    name: "gateway",
    owns: ["gateway/"],
    local: [
      "gateway/",
      "workflows/",
      "runtime/actor/",
      "runtime/base/",
      "runtime/env/",
      "runtime/telemetry/",
    ],
    packages: ["zod", "hono", "@hono/zod-openapi", "@scalar/hono-api-reference"],
    builtins: "pure",
    why: "the door speaks to actors by their messages, never to Raft or a transfer protocol",
  },
  {
    name: "client",
    owns: ["client/"],
    local: ["client/", "runtime/base/"],
    packages: ["zod"],
    builtins: "none",
    why:
      "the client also runs in browsers and in Node: web standards only, which client/host.ts takes",
  },
  {
    name: "the client's entry",
    owns: ["client.ts"],
    local: ["client/"],
    packages: [],
    builtins: "none",
    why: "the entry offers the client and holds no code of its own",
  },
  {
    name: "cli",
    owns: ["cli/", "cli.ts"],
    local: [""],
    packages: ["zod", "commander", "yaml", "cli-table3", "@logtape/logtape"],
    builtins: "pure",
    why: "the command line wires everything, with few packages of its own",
  },
  {
    name: "the entries",
    owns: ["mod.ts"],
    local: ["runtime/", ...CONTRACT, ...PLUG_IN],
    packages: [],
    builtins: "none",
    why:
      "the entry offers the runtime and what protocols from outside need, and holds no code of its own",
  },
  {
    name: "the test kit",
    owns: ["testing.ts"],
    local: ["runtime/", "protocols/memory/", "tests/conformance/", ...CONTRACT],
    packages: [],
    builtins: "none",
    why:
      "the test kit offers the simulated world, and the protocol that transfers use in it with its contract",
  },
  {
    name: "tests and examples",
    owns: ["tests/", "examples/"],
    local: [""],
    packages: "any",
    builtins: "any",
    why: "they stand outside the product",
  },
];

/** Places that only the named ones may enter, whatever their room allows. */
const closed: readonly {
  place: string;
  except?: string;
  openTo: readonly string[];
  why: string;
}[] = [
  {
    place: "tests/conformance/",
    openTo: ["tests/", "testing.ts"],
    why: "the suite is for those who write protocols, here and elsewhere",
  },
  {
    place: "tests/",
    except: "tests/conformance/",
    openTo: ["tests/"],
    why: "nothing imports tests",
  },
  {
    place: "examples/",
    openTo: ["examples/", "tests/"],
    why: "the product never needs an example",
  },
  {
    place: "runtime/sim/",
    openTo: [
      "runtime/sim/",
      "testing.ts",
      "tests/",
      "examples/",
      "cli/sim.ts",
      "cli/virtual_run.ts",
    ],
    why: "production code must not be able to reach simulated time or disks",
  },
  {
    place: "runtime/env/real",
    openTo: [
      "runtime/env/real",
      "mod.ts",
      "testing.ts",
      "cli.ts",
      "cli/",
      "tests/",
      "examples/",
    ],
    why: "everything else takes an Env, so that it also runs on the simulated one",
  },
];

/** Imports beyond the room's own, file by file; each with the reason it is let through. */
const exceptions: readonly { file: string; specifiers: readonly string[]; why: string }[] = [
  {
    file: "cli/process.ts",
    specifiers: ["node:process", "node:tty"],
    why: "the one place where the command line touches its process",
  },
  {
    file: "cli/pki/x509.ts",
    specifiers: ["@peculiar/x509", "reflect-metadata"],
    why: "the one place where certificates are made; its library's container wants the polyfill",
  },
  {
    file: "protocols/ftp/dial.ts",
    specifiers: ["node:net", "node:tls"],
    why:
      "the one place of FTP that connects: its data connections share TLS sessions, outside of Env",
  },
  {
    file: "protocols/ftp/library.ts",
    specifiers: ["basic-ftp"],
    why: "what reads the listings that every server writes in its own way, loaded in one place",
  },
  {
    file: "protocols/objects/md5.ts",
    specifiers: ["node:crypto"],
    why: "object stores keep an MD5 of each content and check bodies by it; pure and synchronous",
  },
  {
    file: "protocols/gcs/jwt.ts",
    specifiers: ["node:crypto"],
    why: "service accounts sign in by RS256, which gives the same bytes each time; synchronous",
  },
  {
    file: "protocols/s3/encryption.ts",
    specifiers: ["node:crypto"],
    why: "S3 wants the MD5 of a customer's key, which nothing else needs; pure and synchronous",
  },
  {
    file: "protocols/sftp/host_keys.ts",
    specifiers: ["node:crypto"],
    why: "known_hosts hides names under HMAC-SHA1, which nothing else needs; pure and synchronous",
  },
  {
    file: "protocols/sftp/library.ts",
    specifiers: ["node:crypto", "ssh2"],
    why: "the client library of SSH, loaded in one place",
  },
  {
    file: "protocols/sftp/apart.ts",
    specifiers: ["node:stream"],
    why: "the client library of SSH takes a stream for its socket",
  },
  {
    file: "protocols/sftp/wire_library.ts",
    specifiers: ["node:net"],
    why: "the client library of SSH wants a socket; it stays outside of Env and says so",
  },
  {
    file: "runtime/env/inline_codecs.ts",
    specifiers: ["node:crypto", "node:zlib"],
    why: "the synchronous forms of the codecs, for the simulated Env",
  },
  {
    file: "runtime/env/sha256.ts",
    specifiers: ["node:crypto", "node:zlib"],
    why: "createHash and crc32 are synchronous and pure; the real and the simulated Env share them",
  },
];

/** The gateway sees of an actor its message protocol. */
const actorMessages = /^actors\/(.+\/)?messages\.ts$/;

/** node: modules that compute and do nothing else. */
const pureBuiltins = new Set([
  "node:assert",
  "node:assert/strict",
  "node:async_hooks",
  "node:buffer",
  "node:events",
  "node:path",
  "node:path/posix",
  "node:path/win32",
  "node:string_decoder",
  "node:url",
  "node:util",
]);

/** The name under which others import the product. */
const ownName = "@quorus/quorus";

/** Files that may touch clocks, random values, timers, sockets, Workers and `Deno` themselves. */
const hostPlaces: readonly string[] = [
  "runtime/env/real",
  "cli.ts",
  "cli/process.ts",
  "cli/pki/x509.ts",
  "client/host.ts",
  "tests/",
  "examples/",
];

/** True where `path` may be nondeterministic itself instead of taking an Env. */
export function mayTouchHost(path: string): boolean {
  return isUnder(path, hostPlaces);
}

/** True for the product's own code, false for tests and examples. */
export function isSource(path: string): boolean {
  return !isUnder(path, ["tests/", "examples/"]);
}

/** Why the file at `fromPath` may not import `specifier`; null when it may. */
export function mayImport(fromPath: string, specifier: string): string | null {
  const room = rooms.find((each) => isUnder(fromPath, each.owns));
  if (room === undefined) {
    return `${fromPath} stands in no room of the layer table; move it, or add its room there`;
  }
  if (isExcepted(fromPath, specifier)) return null;
  if (specifier.startsWith(".")) return judgeLocal(room, fromPath, resolve(fromPath, specifier));
  if (specifier.startsWith("node:")) return judgeBuiltin(room, specifier);
  if (/^[a-z]+:|^\//.test(specifier)) {
    return `"${specifier}" is not pinned: name the package in the imports of deno.json`;
  }
  return judgePackage(room, specifier);
}

function judgeLocal(room: Room, fromPath: string, target: string): string | null {
  for (const { place, except, openTo, why } of closed) {
    if (except !== undefined && isUnder(target, [except])) continue;
    if (isUnder(target, [place]) && !isUnder(fromPath, openTo)) {
      return `${place} is open to ${openTo.join(", ")} only: ${why}`;
    }
  }
  if (isUnder(target, room.local)) return null;
  if (room.name === "gateway" && actorMessages.test(target)) return null;
  return `${room.name} may import ${listed(room.local)}, not ${target}: ${room.why}`;
}

function judgeBuiltin(room: Room, specifier: string): string | null {
  if (room.builtins === "any") return null;
  if (room.builtins === "none") return `${room.name} may not import ${specifier}: ${room.why}`;
  if (pureBuiltins.has(specifier)) return null;
  return `${specifier} may be imported in runtime/env/real* only: everything else takes an Env`;
}

function judgePackage(room: Room, specifier: string): string | null {
  const name = specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
  if (room.packages === "any") return null;
  if (name === ownName) return `${room.name} may not import the product by its name: use a path`;
  if (room.packages.includes(name)) return null;
  return `${room.name} may import ${listed(room.packages)} of npm, not ${name}: ${room.why}`;
}

function isExcepted(fromPath: string, specifier: string): boolean {
  return exceptions.some((each) => each.file === fromPath && each.specifiers.includes(specifier));
}

function isUnder(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) =>
    prefix.endsWith(".ts") ? path === prefix : path.startsWith(prefix)
  );
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}

/** The path that a relative `specifier` in the file at `fromPath` means. */
export function resolve(fromPath: string, specifier: string): string {
  const parts = fromPath.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
