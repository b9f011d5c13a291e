/**
 * What otel/register.ts leaves for the service that starts after it, in the same process.
 * A symbol on globalThis, because --import runs in its own module graph entry before the service exists.
 */
export interface TelemetryHandle {
  /** Sends what is waiting and stops; never rejects, never takes longer than `timeoutMs`. */
  shutdown(timeoutMs: number): Promise<void>
  /** OpenTelemetry's own metrics in the text format of exporter-prometheus. */
  collectMetrics(): Promise<string>
  droppedSpans(): number
}

const HANDLE_KEY = Symbol.for('sonia.telemetry')

type Carrier = { [HANDLE_KEY]?: TelemetryHandle }

export function leaveTelemetry(handle: TelemetryHandle): void {
  ;(globalThis as Carrier)[HANDLE_KEY] = handle
}

/** Undefined where the process was started without --import, as in unit tests. */
export function findTelemetry(): TelemetryHandle | undefined {
  return (globalThis as Carrier)[HANDLE_KEY]
}
