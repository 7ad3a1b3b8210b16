import { conformance } from "../../conformance/suite.ts";
import { startSwift, type Swift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { requirePrograms } from "../require.ts";
import { s3Harness } from "./harness.ts";

if (!requirePrograms(SWIFT_PROGRAMS).ignore) {
  let swift: Swift;
  Deno.test.beforeAll(async () => {
    swift = await startSwift();
    await swift.makeBucket("bucket");
  });
  Deno.test.afterAll(() => swift.close());
  // Swift does not keep If-Match of writes: declared here, as the suite asks before it is tried.
  conformance("Swift", () => s3Harness(swift, { options: { conditional: "no" } }));
}
