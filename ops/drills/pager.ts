/** One alert inside a notification, as a receiver saw it. */
export interface PagerNotice {
  readonly receiver: string
  readonly alert: string
  readonly severity: string
  readonly service: string
  readonly status: 'firing' | 'resolved'
  readonly annotations: Readonly<Record<string, string>>
  /** Monotonic milliseconds of its arrival. */
  readonly atMs: number
}

/** The receiving end of an alert drill: a webhook that keeps what arrives. */
export interface Pager {
  /** Base address; notifications go to <url>/page, /ticket and /heartbeat. */
  readonly url: string
  readonly notices: readonly PagerNotice[]
  /** Deliveries answered with 500, as asked by `failNext`. */
  readonly refusals: number
  /** Answers the next deliveries to this path with 500. */
  failNext(path: string, times: number): void
  stop(): Promise<void>
}
