/** The http source keeps the contract, against a server of our own. */

import { conformance } from "../../conformance/suite.ts";
import { fileServerHarness } from "./harness.ts";

conformance("http", () => fileServerHarness(false));
conformance("https", () => fileServerHarness(true));
