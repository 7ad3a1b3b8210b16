/** What nobody handled: the process, and in simulation the simulated one, must not go on as if nothing was. */

/**
 * Calls `report` with the reason of each rejection that nobody handled, in the async context of the
 * promise; where it says false, Deno ends the process. Returns how to stop that.
 */
export function onUnhandledRejection(report: (reason: unknown) => boolean): () => void {
  const listener = (event: PromiseRejectionEvent) => {
    if (report(event.reason)) event.preventDefault();
  };
  globalThis.addEventListener("unhandledrejection", listener);
  return () => globalThis.removeEventListener("unhandledrejection", listener);
}
