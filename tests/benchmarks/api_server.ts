/** The server of `bench api`: one controller and its gateway in one process, as `quorus start` runs them. */

import { startRealGateway } from "../gateway/real_cluster.ts";
import { KEYS } from "../gateway/rig.ts";
import { serveBench } from "./bench_child.ts";

const real = await startRealGateway();
serveBench({ url: real.gateway.url, key: KEYS.admin }, () => real.stop());
