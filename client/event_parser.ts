/** Server-sent events as text into events (WHATWG HTML, section 9.2.6); pure. */

/** One event, or only where to go on (`data` null). */
export interface ParsedEvent {
  readonly id: string | null;
  readonly data: string | null;
}

/** Takes the stream's text piece by piece. */
export class EventParser {
  #rest = "";
  #data: string[] = [];
  #id: string | null = null;
  #retryMs: number | null = null;

  /** What the server asks to wait before the stream is begun again; null where it has said nothing. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** Characters of an event that is not complete yet. */
  get pending(): number {
    return this.#rest.length + this.#data.reduce((sum, line) => sum + line.length, 0);
  }

  /** The events that this piece completes. */
  push(text: string): ParsedEvent[] {
    const events: ParsedEvent[] = [];
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line !== "") {
        this.#field(line);
        continue;
      }
      if (this.#data.length > 0 || this.#id !== null) {
        const data = this.#data.length > 0 ? this.#data.join("\n") : null;
        events.push({ id: this.#id, data });
      }
      this.#data = [];
      this.#id = null;
    }
    return events;
  }

  #field(line: string): void {
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^\d{1,9}$/.test(value)) this.#retryMs = Number(value);
  }
}
