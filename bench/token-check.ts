import { stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { systemClock } from '#chassis/clock.ts'
import { createTokenMaker } from '#chassis/testing.ts'
import { createTokenVerifier } from '#chassis/token-verifier.ts'
import { measureRatio, ratioTable } from './lib/ratio-report.ts'

// The token check of a hop whose token was seen before (one digest and a lookup), against a full verification of the
// Ed25519 signature and the claims.
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
})
const LIMIT = 0.1
/** Checks per timing: one cached check alone is near the resolution of the clock. */
const BATCH = 20

const maker = await createTokenMaker()
const token = await maker.make('api-gateway', 'openclaw')
const verifier = createTokenVerifier({
  audience: 'openclaw',
  clock: systemClock,
  fetchKeys: async () => maker.jwks,
})
await verifier.verify(token)

function cached(): void {
  for (let check = 0; check < BATCH; check++) {
    if (verifier.recall(token) !== 'api-gateway') throw new Error('the token was not recalled')
  }
}

async function full(): Promise<void> {
  for (let check = 0; check < BATCH; check++) {
    if ((await verifier.verify(token)) !== 'api-gateway') throw new Error('the token does not hold')
  }
}

const result = await measureRatio(
  {
    bench: 'token-check',
    form: values.short ? 'short' : 'long',
    rounds: values.short ? 2 : 31,
    callsPerRound: values.short ? 5 : 100,
    subject: `${BATCH} checks of a known token`,
    reference: `${BATCH} full verifications`,
    limit: LIMIT,
  },
  [
    { name: `${BATCH} checks of a known token`, once: cached },
    { name: `${BATCH} full verifications`, once: full },
  ],
)
stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : ratioTable(result))
