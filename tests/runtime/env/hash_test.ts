import { hashSuite } from "./hash_suite.ts";
import { REAL, SIMULATED } from "./subject.ts";

hashSuite(REAL);
hashSuite(SIMULATED);
