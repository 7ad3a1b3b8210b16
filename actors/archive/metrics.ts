/** The archive of one controller as metrics. */

import { counter, gauge } from "../../runtime/telemetry/labelled.ts";
import type { Metric } from "../../runtime/telemetry/prometheus.ts";
import type { ArchiveStatus } from "./messages.ts";

/** Metrics `quorus_archive_*` of what is on this controller's disk. */
export function archiveMetrics(node: string, status: ArchiveStatus): Metric[] {
  const one = [{ labels: { node }, of: status }];
  return [
    gauge(
      "quorus_archive_missing_segments",
      "Segments that are not on this controller's disk.",
      one,
      ({ missing }) => missing.length,
    ),
    gauge(
      "quorus_archive_verified_time_seconds",
      "When all segments had last been read again, since 1970.",
      one,
      ({ verifiedMs }) => verifiedMs === null ? null : verifiedMs / 1_000,
    ),
    counter(
      "quorus_archive_verified_segments",
      "Segments that were read again and compared with their hashes.",
      one,
      ({ verified }) => verified,
    ),
    counter(
      "quorus_archive_damaged_segments",
      "Those of them that were damaged, and fetched again.",
      one,
      ({ damaged }) => damaged,
    ),
  ];
}
