/** The transfer protocol of WebDAV servers (RFC 4918), on `Env.net` only. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../contract.ts";
import { HTTP_CREDENTIALS } from "../http/endpoint.ts";
import { HTTP_SOURCE, httpSource } from "../http/http.ts";
import { type HttpLimits, httpSettings } from "../http/settings.ts";
import { DavAccess } from "./access.ts";
import { ExclusiveCollections } from "./collections.ts";
import { DAV_OPTIONS, DAV_SCHEMES, davPlaceOf, httpUriOf } from "./endpoint.ts";
import { DAV_DIRECTORY, DavDirectory } from "./entries.ts";
import { DAV_SINK, DavSink } from "./sink.ts";

/**
 * `dav:` URIs (http below) and `davs:` (https), as source, sink and directory. Reading is what the
 * http protocol does, on the same place. `overrides` replace single limits.
 */
export function webdavProtocol(overrides: Partial<HttpLimits> = {}): TransferProtocol {
  const settings = httpSettings(overrides);
  const exclusive = new ExclusiveCollections();
  const access = (endpoint: Endpoint, context: ProtocolContext) =>
    new DavAccess(endpoint, context, settings);
  const source = (endpoint: Endpoint, context: ProtocolContext) =>
    httpSource(davPlaceOf(endpoint).http, context, settings);
  return {
    name: "webdav",
    schemes: DAV_SCHEMES,
    credentials: HTTP_CREDENTIALS,
    description: {
      summary: "files of WebDAV servers",
      source: HTTP_SOURCE,
      sink: DAV_SINK,
      directory: DAV_DIRECTORY,
      options: DAV_OPTIONS,
    },
    source,
    sink: (endpoint, context) => {
      const opened = access(endpoint, context);
      const { scheme, place, http } = opened.at;
      const at = (path: string) =>
        httpSource({ ...http, uri: httpUriOf(scheme, place, path) }, context, settings);
      return new DavSink(opened, endpoint, at, exclusive);
    },
    directory: (endpoint, context) => new DavDirectory(access(endpoint, context)),
  };
}
