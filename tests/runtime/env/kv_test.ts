import { kvSuite } from "./kv_suite.ts";
import { REAL, SIMULATED } from "./subject.ts";

kvSuite(REAL);
kvSuite(SIMULATED);
