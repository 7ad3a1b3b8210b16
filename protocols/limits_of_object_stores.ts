/** The bounds of object stores, which are a part of the room's table (limits.ts). */

import type { LimitTable } from "../runtime/base/limits.ts";

/** Those of S3, Azure Blob and Google's store, and of what they share. */
export const OBJECT_STORE_LIMITS = {
  objectUploadLeastBytesPerSecond: {
    unit: "perSecond",
    value: 32_768,
    why: "bytes of a body: a request may take so much longer, and what is slower has stalled",
  },
  objectTriesMax: {
    unit: "count",
    value: 4,
    why: "times that a request to an object store is sent, where sending it again does no harm",
  },
  objectRetryMs: {
    unit: "ms",
    value: 250,
    why: "before a request is sent again; twice as long each time, and a random part less",
  },
  objectRetryAfterMaxMs: {
    unit: "ms",
    value: 10_000,
    why: "what an object store may ask to wait for within a request; longer waits are the job's",
  },
  objectInFlightBytes: {
    unit: "bytes",
    value: 33_554_432,
    why: "blocks of one upload on their way at once; one that is larger goes alone",
  },
  objectRoomBytes: {
    unit: "bytes",
    value: 268_435_456,
    why: "blocks and chunks of all uploads to one kind of store on their way at once, in a process",
  },
  gcsChunkBytes: {
    unit: "bytes",
    value: 8_388_608,
    why: "what one request of an upload to Google's store carries; a multiple of 256 KiB",
  },
  gcsUploadsKept: {
    unit: "count",
    value: 32,
    why: "uploads to Google's store that can be opened again; each has a chunk or two in memory",
  },
  gcsTokensKept: {
    unit: "count",
    value: 64,
    why: "identities whose tokens are remembered; the oldest signs in again",
  },
  gcsTokenEarlyMs: {
    unit: "ms",
    value: 300_000,
    why: "a token that ends so soon is not used any more",
  },
  gcsRewriteSteps: {
    unit: "count",
    value: 10_000,
    why: "steps of one copy that the service makes; each moves a gigabyte or more",
  },
  azureBlockListMaxBytes: {
    unit: "bytes",
    value: 16_777_216,
    why: "the answer about 100,000 uncommitted blocks, which are the most that a blob can have",
  },
  azureCopyPollMs: {
    unit: "ms",
    value: 500,
    why: "between two looks at a copy that the service is making",
  },
  azureCopyTimeoutMs: {
    unit: "ms",
    value: 3_600_000,
    why: "a copy within an account that takes longer is stopped",
  },
  xmlMaxBytes: {
    unit: "bytes",
    value: 8_388_608,
    why:
      "one XML answer; a page of 1,000 keys of 1,024 bytes, each percent-encoded, takes some 4 MB",
  },
  xmlElementsMax: {
    unit: "count",
    value: 50_000,
    why: "elements of one XML answer; a page of 1,000 names has some 10,000",
  },
  xmlDepthMax: {
    unit: "count",
    value: 32,
    why: "elements in each other in one XML answer; those of object stores are 5 deep",
  },
  s3ResponseTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "from the end of a request to the answer's headers; completing an upload may take long",
  },
  s3IdleTimeoutMs: {
    unit: "ms",
    value: 60_000,
    why: "between two reads of a body that bring bytes",
  },
  s3SlowestBytesPerSecond: {
    unit: "perSecond",
    value: 65_536,
    why:
      "a request with a body has this long more until its answer: 8 MiB take two minutes at most",
  },
  s3TriesMax: {
    unit: "count",
    value: 4,
    why: "how often one request is sent while the server is busy or the connection breaks",
  },
  s3RetryDelayMs: {
    unit: "ms",
    value: 250,
    why: "before the second try of a request; doubled for each further one, half of it random",
  },
  s3RetryAfterMaxMs: {
    unit: "ms",
    value: 10_000,
    why: "a request waits for Retry-After up to here by itself; for longer the job waits",
  },
  s3SkewMaxMs: {
    unit: "ms",
    value: 86_400_000,
    why: "how far the clock of a server may be off before its time is not taken for the signature",
  },
  s3PartMinBytes: {
    unit: "bytes",
    value: 5_242_880,
    why: "the least size of a part that is not the last; a rule of S3",
  },
  s3PartBytes: {
    unit: "bytes",
    value: 8_388_608,
    why: "the first parts of an upload, and the least file that is uploaded in parts",
  },
  s3PartMaxBytes: {
    unit: "bytes",
    value: 1_073_741_824,
    why: "the largest part, which is held in memory; reached at 795 GiB",
  },
  s3PartsPerSize: {
    unit: "count",
    value: 800,
    why: "parts of one size before the size is doubled: 10,000 parts then hold 5 TiB",
  },
  s3PartsMax: {
    unit: "count",
    value: 10_000,
    why: "parts of one upload; a rule of S3",
  },
  s3PartsAtOnce: {
    unit: "count",
    value: 4,
    why: "parts of one upload that are on their way at once",
  },
  s3PartsWindowBytes: {
    unit: "bytes",
    value: 67_108_864,
    why:
      "parts of one upload that are in memory at once; one part is let through whatever its size",
  },
  s3RoomBytes: {
    unit: "bytes",
    value: 268_435_456,
    why:
      "parts of all uploads of a process that are on their way at once; one is let through always",
  },
  s3CopyWholeMaxBytes: {
    unit: "bytes",
    value: 5_368_709_120,
    why: "the largest object that one request copies; a rule of S3",
  },
  s3CopyPartBytes: {
    unit: "bytes",
    value: 1_073_741_824,
    why: "one part of a larger copy; no byte of it passes through us",
  },
  s3ServerCopyPartBytes: {
    unit: "bytes",
    value: 33_554_432,
    why:
      "a part that the service copies by itself: one request, answered within the timeout even " +
      "where four at a time share 4 MiB/s",
  },
  s3EmptyPagesMax: {
    unit: "count",
    value: 100,
    why: "pages without a name that say there are more, one after the other: a server in circles",
  },
  s3OrphanAgeMs: {
    unit: "ms",
    value: 604_800_000,
    why: "an upload of ours that nobody has touched for a week is given up by whoever finds it",
  },
  s3ServicesMax: {
    unit: "count",
    value: 1_000,
    why: "servers whose clock and abilities are remembered; the one known longest is forgotten",
  },
  s3CredentialsEarlyMs: {
    unit: "ms",
    value: 300_000,
    why: "temporary credentials are fetched again so long before they expire",
  },
  s3CredentialsFileMaxBytes: {
    unit: "bytes",
    value: 1_048_576,
    why: "a file of profiles or a token that is larger is some other file",
  },
} as const satisfies LimitTable;
