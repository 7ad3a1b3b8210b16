/** The transfer protocol of object stores. */

import type { Env } from "../../runtime/env/env.ts";
import type { Endpoint, ProtocolDescription, TransferProtocol } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { S3Client } from "./client.ts";
import { type KeyRing, keyRingOf, NO_MACHINE, type S3Machine } from "./credentials.ts";
import { S3_CREDENTIALS, S3_OPTIONS, type S3Place, s3PlaceOf } from "./endpoint.ts";
import { S3_DIRECTORY_CAPABILITIES, S3Directory } from "./entries.ts";
import { PartRoom } from "./part_room.ts";
import { freshService, type ServiceState } from "./service.ts";
import { sha256Hex } from "./signing.ts";
import { type OpenUploads, S3_SINK_CAPABILITIES, S3Sink } from "./sink.ts";
import { S3_SOURCE_CAPABILITIES, S3Source } from "./source.ts";

const DESCRIPTION: ProtocolDescription = {
  summary: "objects of Amazon S3 and of servers that speak as it does",
  source: S3_SOURCE_CAPABILITIES,
  sink: S3_SINK_CAPABILITIES,
  directory: S3_DIRECTORY_CAPABILITIES,
  options: S3_OPTIONS,
};

/** `s3:` URIs, as source, sink and directory. `machine`: where undeclared access keys come from. */
export function s3Protocol(machine: S3Machine = NO_MACHINE): TransferProtocol {
  const services = new Map<string, ServiceState>();
  const keyRings = new Map<string, KeyRing>();
  const room = new PartRoom(protocolLimits.s3RoomBytes);
  const uploads: OpenUploads = { files: new Map(), room };
  const clientOf = (endpoint: Endpoint, env: Env): S3Client => {
    const place = s3PlaceOf(endpoint);
    const name = JSON.stringify([place.origin.href, place.conditional]);
    const service = services.get(name) ?? freshService(place.conditional);
    services.set(name, service);
    if (services.size > protocolLimits.s3ServicesMax) {
      services.delete(services.keys().next().value!);
    }
    return new S3Client(env, place, service, keyRingFor(keyRings, place, machine, env));
  };
  return {
    name: "s3",
    schemes: ["s3"],
    credentials: S3_CREDENTIALS,
    description: DESCRIPTION,
    source: (endpoint, { env }) => new S3Source(clientOf(endpoint, env)),
    sink: (endpoint, { env }) =>
      new S3Sink(clientOf(endpoint, env), endpoint, uploads, (source) => clientOf(source, env)),
    directory: (endpoint, { env }) => new S3Directory(clientOf(endpoint, env)),
    close: () => {
      services.clear();
      keyRings.clear();
      uploads.files.clear();
      return Promise.resolve();
    },
  };
}

/** One ring for one identity: its temporary keys serve all. A hash stands for what is secret. */
function keyRingFor(
  rings: Map<string, KeyRing>,
  place: S3Place,
  machine: S3Machine,
  env: Env,
): KeyRing | null {
  const { credentials, stsOrigin } = place;
  if (credentials === null) return null;
  if (credentials.type === "accessKey") return keyRingOf(credentials, machine, { env, place });
  const name = sha256Hex(env.hash, JSON.stringify([credentials, stsOrigin.href]));
  const known = rings.get(name);
  if (known !== undefined) return known;
  const ring = keyRingOf(credentials, machine, { env, place });
  rings.set(name, ring);
  return ring;
}
