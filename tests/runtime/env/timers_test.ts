import { timersSuite } from "./timers_suite.ts";
import { REAL, SIMULATED } from "./subject.ts";

timersSuite(REAL);
timersSuite(SIMULATED);
