import assert from "node:assert/strict";
import { exploreMeshes } from "./partial_mesh.ts";

Deno.test("somebody leads and stays wherever links are cut, if anybody reaches a quorum (60 seeds)", () => {
  assert.equal(exploreMeshes(60), null);
});
