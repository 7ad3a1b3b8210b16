/** The suite, on servers of several kinds in memory. */

import { conformance } from "../../conformance/suite.ts";
import { paperHarness } from "./paper_harness.ts";
import { OLD } from "./paper_quirks.ts";

conformance("ftp in memory", () => Promise.resolve(paperHarness()));
conformance(
  "ftps in memory",
  () => Promise.resolve(paperHarness({ tls: true }, {}, "ftps")),
);
conformance(
  "ftp in memory, without MLST",
  () => Promise.resolve(paperHarness({ features: OLD, chmod: false, noExtendedPassive: true })),
);
conformance(
  "ftp in memory, nothing announced, listings of DOS",
  () => Promise.resolve(paperHarness({ features: null, listing: "dos" })),
);
