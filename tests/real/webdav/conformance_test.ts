import { conformance } from "../../conformance/suite.ts";
import { requirePrograms } from "../require.ts";
import { apacheHarness, nginxHarness, rcloneHarness } from "./harness.ts";

if (!requirePrograms(["rclone"]).ignore) conformance("rclone serve webdav", rcloneHarness);
if (!requirePrograms(["nginx"]).ignore) conformance("nginx with WebDAV", nginxHarness);
if (!requirePrograms(["apache2"]).ignore) conformance("Apache with digest logins", apacheHarness);
