/** Arbitrary values that the codec carries, and the records around them. */

import fc from "fast-check";
import type { MessageRecord } from "../../../runtime/remote/wire.ts";

const key = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("$", "v", "__proto__", "constructor", "toJSON", "0", "10"),
);

/** Any body, nested, with all that JSON loses. */
export const body: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.string({ unit: "binary" }),
    fc.constantFrom("$", '$"', '"$":"bytes"', "\ufffd", "\ud800", "\ufeff", "\n", ",\n"),
    fc.double(),
    fc.constantFrom(NaN, Infinity, -Infinity, -0, null, undefined, true, false),
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie("value")),
    fc.array(tie("value")).map((items) => new Set(items)),
    fc.array(fc.tuple(tie("value"), tie("value"))).map((pairs) => new Map(pairs)),
    fc.array(fc.tuple(key, tie("value"))).map((pairs) => Object.fromEntries(pairs)),
    fc.dictionary(key, tie("value")),
  ),
})).value;

const name = fc.stringMatching(/^[a-z]{1,8}$/);

/** A message with such a body, as a tell, an ask or a reliable one. */
export const message: fc.Arbitrary<MessageRecord> = fc.record({
  v: fc.nat(),
  type: fc.tuple(name, name).map((parts) => parts.join("/")),
  to: name,
  body,
}).chain((record) =>
  fc.oneof(
    fc.constant({}),
    fc.record({ from: name, trace: fc.string() }),
    fc.record({ id: fc.maxSafeNat(), budgetMs: fc.nat() }),
    fc.record({ producer: name, seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) }),
  ).map((more) => ({ ...record, ...more }))
);
