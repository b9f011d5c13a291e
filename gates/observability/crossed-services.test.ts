import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TraceSpan } from '#ops/traces/otlp-file.ts'
import { faultsOf, type Traces } from './crossed-services.ts'
import type { Edge } from './known-requests.ts'

const INTERNAL = 1
const SERVER = 2
const CLIENT = 3

interface Spanning {
  readonly id: string
  readonly parent?: string
  readonly service: string
  readonly kind?: number
}

const span = ({ id, parent, service, kind = SERVER }: Spanning): TraceSpan => ({
  traceId: 't',
  spanId: id,
  parentSpanId: parent,
  service,
  name: id,
  kind,
  startNs: 0n,
  endNs: 1n,
  failed: false,
  attributes: {},
  links: [],
})

const GOOD: readonly Spanning[] = [
  { id: 'a', service: 'api-gateway' },
  { id: 'b', parent: 'a', service: 'api-gateway', kind: CLIENT },
  { id: 'c', parent: 'b', service: 'openclaw' },
]
const EDGES: readonly Edge[] = ['api-gateway -> openclaw']

const left = (spans: readonly Spanning[], change: Partial<Traces> = {}): Traces => ({
  traceIds: ['t'],
  spans: spans.map(span),
  logged: new Set(['api-gateway', 'openclaw']),
  ...change,
})

test('a request in the logs of all services and in one trace from caller to callee has no fault', () => {
  assert.deepEqual(faultsOf(left(GOOD), EDGES), [])
})

const planted: readonly (readonly [string, Traces, RegExp])[] = [
  ['no trace', left([], { traceIds: [] }), /in 0 traces/],
  ['two traces', left(GOOD, { traceIds: ['t', 'u'] }), /in 2 traces/],
  [
    'a service without a log line',
    left(GOOD, { logged: new Set(['api-gateway']) }),
    /no log line of openclaw/,
  ],
  [
    'a service that logs but has no span',
    left(GOOD, { logged: new Set(['api-gateway', 'openclaw', 'eva-os']) }),
    /no span of eva-os/,
  ],
  ['a missing edge', left(GOOD.slice(0, 2)), /no edge api-gateway -> openclaw/],
  [
    'an edge against the direction of the call',
    left([
      ...GOOD,
      { id: 'd', parent: 'c', service: 'openclaw', kind: CLIENT },
      { id: 'e', parent: 'd', service: 'api-gateway' },
    ]),
    /strange edge openclaw -> api-gateway/,
  ],
  [
    'a span whose parent is missing',
    left([...GOOD, { id: 'd', parent: 'gone', service: 'openclaw' }]),
    /is missing/,
  ],
  ['a second root', left([...GOOD, { id: 'd', service: 'openclaw', kind: INTERNAL }]), /2 root spans/],
  [
    'a call without a client span',
    left([
      { id: 'a', service: 'api-gateway' },
      { id: 'c', parent: 'a', service: 'openclaw' },
    ]),
    /no server span below a client span/,
  ],
]

for (const [what, traces, expected] of planted) {
  test(`${what} is a fault`, () => assert.match(faultsOf(traces, EDGES).join('; '), expected))
}
