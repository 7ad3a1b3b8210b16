/** A handle on a temporary file. */

import { AppendedFile } from "../objects/appended_file.ts";
import type { Upload } from "./upload.ts";

/** An open temporary file: written at its end, never read back. */
export class S3SinkFile extends AppendedFile<Upload> {
  protected override get shown(): string {
    return this.temp;
  }

  protected override async settle(): Promise<void> {
    await this.upload.sync();
  }

  protected override async letGo(): Promise<void> {
    await this.upload.landed();
  }
}
