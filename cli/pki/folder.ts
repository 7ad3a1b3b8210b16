/**
 * The folder of an authority. `ca.pem` is what nodes trust: the authority's certificate first, an earlier
 * one behind it while certificates of both are about. `ca.key` signs; whoever has it makes nodes. Each node
 * has `NODE.pem` and `NODE.key`.
 */

import type { Role } from "../../actors/roles.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import { writeWhole } from "../roles/data_folder.ts";
import { rolesIn, urisOf } from "./names.ts";
import {
  type CertificateFacts,
  certificateFacts,
  certifyRequest,
  issueIdentity,
  makeAuthority,
  type PemIdentity,
  splitCertificates,
  type Validity,
} from "./x509.ts";

/** A folder of an authority that cannot be used as was asked. */
export class PkiError extends QuorusError<"noAuthority" | "exists" | "noCertificate" | "expired"> {
  override readonly name = "PkiError";
}

/** Only its owner reads a key. */
const KEY_MODE = 0o600;
const AUTHORITY = "ca";
/** The door makes itself a new one when it starts. */
const SERVING_DAYS = 365;
const DAY_MS = 86_400_000;
/** Clocks differ: a certificate that holds from this very moment is one of tomorrow elsewhere. */
const BACKDATED_MS = 300_000;

/** A certificate of a folder. */
export interface KeptCertificate extends CertificateFacts {
  readonly file: string;
  readonly roles: readonly { readonly cluster: string; readonly role: Role }[];
  /** `renew`: less than a third of its time is left. */
  readonly state: "valid" | "renew" | "expired" | "notYetValid";
}

/** The certificates and keys in one folder. */
export class PkiFolder {
  readonly #env: Pick<Env, "disk" | "clock">;
  readonly path: string;

  constructor(env: Pick<Env, "disk" | "clock">, path: string) {
    this.#env = env;
    this.path = path;
  }

  /** Makes the authority; PkiError `exists` where there is one. */
  async init(name: string, days: number): Promise<KeptCertificate> {
    const { disk } = this.#env;
    await disk.makeDirectory(this.path, { recursive: true, mode: 0o700 });
    if (await disk.stat(this.#file(AUTHORITY, "pem")) !== null) {
      throw new PkiError(
        "exists",
        `cannot make an authority in ${this.path}: there is one; use another --dir`,
      );
    }
    const authority = await makeAuthority(name, this.#validity(days));
    await this.#write(AUTHORITY, authority.cert, authority.key);
    return await this.#kept(AUTHORITY, authority.cert);
  }

  /** Makes another authority; nodes trust both until the earlier one is retired. */
  async renewAuthority(name: string, days: number): Promise<KeptCertificate> {
    const { cert: earlier } = await this.authority();
    const { cert, key } = await makeAuthority(name, this.#validity(days));
    await this.#write(AUTHORITY, cert + earlier, key);
    return await this.#kept(AUTHORITY, cert);
  }

  /** Trusts the newest authority only. */
  async retireAuthorities(): Promise<void> {
    const { cert } = await this.authority();
    await writeWhole(this.#env.disk, this.#file(AUTHORITY, "pem"), cert);
  }

  /** The newest authority; PkiError `noAuthority`. */
  async authority(): Promise<PemIdentity> {
    const [cert] = splitCertificates(await this.#read(AUTHORITY, "pem"));
    if (cert === undefined) throw this.#noAuthority();
    return { cert, key: await this.#read(AUTHORITY, "key") };
  }

  /** A key and a certificate for a node with these roles; they replace what it had. */
  async issue(
    cluster: string,
    node: string,
    roles: readonly Role[],
    days: number,
  ): Promise<KeptCertificate> {
    const authority = await this.authority();
    const validity = await this.#within(authority, this.#validity(days));
    const names = { node, uris: urisOf(cluster, node, roles) };
    const { cert, key } = await issueIdentity(authority, names, validity);
    await this.#write(node, cert, key);
    return await this.#kept(node, cert);
  }

  /** A certificate for the key of a request, and all authorities; `null` where the request is none. */
  async certify(
    cluster: string,
    node: string,
    roles: readonly Role[],
    days: number,
    csr: string,
  ): Promise<{ readonly cert: string; readonly ca: string } | null> {
    const authority = await this.authority();
    const validity = await this.#within(authority, this.#validity(days));
    const names = { node, uris: urisOf(cluster, node, roles) };
    const cert = await certifyRequest(authority, csr, names, validity);
    return cert === null ? null : { cert, ca: await this.#read(AUTHORITY, "pem") };
  }

  /** A certificate for the authority's own door, kept nowhere; it names no node. */
  async serving(uri: string): Promise<PemIdentity> {
    const authority = await this.authority();
    const validity = await this.#within(authority, this.#validity(SERVING_DAYS));
    return await issueIdentity(authority, { node: "quorus-join", uris: [uri] }, validity);
  }

  /** A new key and certificate that say the same as the node's present one, for as long. */
  async rotate(node: string): Promise<KeptCertificate> {
    const authority = await this.authority();
    const facts = await certificateFacts(await this.#read(node, "pem"));
    const days = (facts.toMs - facts.fromMs - BACKDATED_MS) / DAY_MS;
    const uris = facts.names.filter((name) => name.includes("://"));
    const validity = await this.#within(authority, this.#validity(days));
    const { cert, key } = await issueIdentity(authority, { node, uris }, validity);
    await this.#write(node, cert, key);
    return await this.#kept(node, cert);
  }

  /** All certificates: authorities first, newest first, then nodes by name. */
  async list(): Promise<KeptCertificate[]> {
    const entries = await this.#env.disk.readDirectory(this.path);
    const nodes = entries.map(({ name }) => name)
      .filter((name) => name.endsWith(".pem") && name !== `${AUTHORITY}.pem`)
      .map((name) => name.slice(0, -".pem".length)).sort();
    const found: KeptCertificate[] = [];
    for (const name of [AUTHORITY, ...nodes]) {
      for (const pem of splitCertificates(await this.#read(name, "pem"))) {
        found.push(await this.#kept(name, pem));
      }
    }
    return found;
  }

  async #kept(name: string, pem: string): Promise<KeptCertificate> {
    const facts = await certificateFacts(pem);
    const state = stateOf(facts, this.#env.clock.now());
    return { ...facts, file: this.#file(name, "pem"), roles: rolesOfNames(facts), state };
  }

  #validity(days: number): Validity {
    const nowMs = this.#env.clock.now();
    return { fromMs: nowMs - BACKDATED_MS, toMs: nowMs + days * DAY_MS };
  }

  /** No certificate outlives who vouches for it. */
  async #within({ cert }: PemIdentity, { fromMs, toMs }: Validity): Promise<Validity> {
    const authority = await certificateFacts(cert);
    if (authority.toMs <= this.#env.clock.now()) {
      const day = new Date(authority.toMs).toISOString().slice(0, 10);
      throw new PkiError(
        "expired",
        `cannot issue a certificate: the authority in ${this.path} has expired on ${day}; ` +
          "make another one: quorus pki rotate --authority",
      );
    }
    return { fromMs: Math.max(fromMs, authority.fromMs), toMs: Math.min(toMs, authority.toMs) };
  }

  /** The key first: who reads in between finds a pair that does not fit, and keeps what it has. */
  async #write(name: string, cert: string, key: string): Promise<void> {
    await writeWhole(this.#env.disk, this.#file(name, "key"), key, KEY_MODE);
    await writeWhole(this.#env.disk, this.#file(name, "pem"), cert);
  }

  async #read(name: string, kind: "pem" | "key"): Promise<string> {
    const file = this.#file(name, kind);
    if (await this.#env.disk.stat(file) === null) {
      if (name === AUTHORITY) throw this.#noAuthority();
      throw new PkiError(
        "noCertificate",
        `there is no certificate of ${name} in ${this.path}: quorus pki issue makes one`,
      );
    }
    return await readTextFile(this.#env.disk, file, "the certificate", cliLimits.valueFileBytes);
  }

  #file(name: string, kind: "pem" | "key"): string {
    return `${this.path}/${name}.${kind}`;
  }

  #noAuthority(): PkiError {
    return new PkiError(
      "noAuthority",
      `there is no authority in ${this.path}: make one with quorus pki init, or name its --dir`,
    );
  }
}

function stateOf({ fromMs, toMs }: Validity, nowMs: number): KeptCertificate["state"] {
  if (nowMs >= toMs) return "expired";
  if (nowMs < fromMs) return "notYetValid";
  return toMs - nowMs < (toMs - fromMs) / 3 ? "renew" : "valid";
}

function rolesOfNames({ names, commonName }: CertificateFacts): KeptCertificate["roles"] {
  const clusters = new Set(
    names.flatMap((name) => /^quorus-role:\/\/([^/]+)\//.exec(name)?.[1] ?? []),
  );
  return [...clusters].flatMap((cluster) =>
    rolesIn(names, cluster, commonName).map((role) => ({ cluster, role }))
  );
}
