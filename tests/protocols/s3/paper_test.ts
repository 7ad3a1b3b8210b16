/** Object stores of every kind, in memory: the suite. */

import { conformance } from "../../conformance/suite.ts";
import { OPTIONS, paperHarness } from "./paper_harness.ts";

conformance("s3 in memory", () => Promise.resolve(paperHarness()));
conformance(
  "s3 in memory, no conditions and no checksums",
  () => {
    const quirks = { ignoresConditions: true, noChecksums: true };
    return Promise.resolve(
      paperHarness(quirks, { options: { ...OPTIONS, conditional: "no", checksum: "crc32" } }),
    );
  },
);
