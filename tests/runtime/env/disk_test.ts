import { diskSuite } from "./disk_suite.ts";
import { REAL, SIMULATED } from "./subject.ts";

diskSuite(REAL);
diskSuite(SIMULATED);
