/** A handle on a temporary file of Google's store. */

import { AppendedFile } from "../objects/appended_file.ts";
import type { GcsUpload } from "./upload.ts";

/** An open temporary file: written at its end, never read back. */
export class GcsSinkFile extends AppendedFile<GcsUpload> {
  protected override get shown(): string {
    return this.upload.facts.shown;
  }

  protected override async settle(): Promise<void> {
    await this.upload.settled();
  }

  /** Its chunks go on: they are the upload's, which other handles may be on. */
  protected override letGo(): Promise<void> {
    return Promise.resolve();
  }
}
