import { serveNet } from "../../servers/net_server.ts";
import type { World } from "../../../runtime/sim/world.ts";
import { netUploadSuite } from "./net_upload_suite.ts";
import { REAL, SIMULATED } from "./subject.ts";

netUploadSuite(REAL, (_subject, handler) => {
  const server = serveNet(handler);
  return { url: `${server.origin}/a`, close: server.close };
});

netUploadSuite(SIMULATED, ({ env }, handler) => {
  (env as typeof env & { readonly world: World }).world.serve("files.test", handler);
  return { url: "http://files.test/a", close: () => Promise.resolve() };
});
