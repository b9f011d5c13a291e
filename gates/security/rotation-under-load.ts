import { askService } from '../runners/service-access.ts'

export interface RotationOptions {
  readonly portBase: number
  readonly operatorKey: string
  readonly seconds: number
  readonly rotations: number
  readonly signal: AbortSignal
}

export interface RotationCounts {
  readonly rotated: number
  readonly answered: number
  /** Anything but a good answer: a refused token shows as 401 at the door, or as 503 behind the gateway. */
  readonly refused: number
  /** Keys that were seen to sign tokens: the exchanged ones must have taken over. */
  readonly signers: number
}

const CALLERS = 4
const PAUSE_MS = 20
const SIGNER_LOOK_MS = 1_000

/** Chats through the gateway, whose every hop carries a service token, while the signing keys are exchanged. */
export async function rotateUnderLoad(options: RotationOptions): Promise<RotationCounts> {
  const untilMs = performance.now() + options.seconds * 1000
  const counts = { rotated: 0, answered: 0, refused: 0 }
  const signers = new Set<string>()
  const watching = watchSigners(untilMs, options, signers)
  const callers = Array.from({ length: CALLERS }, () => chatUntil(untilMs, options, counts))
  for (let rotation = 1; rotation <= options.rotations; rotation += 1) {
    await pause((options.seconds * 1000) / (options.rotations + 1))
    const { status } = await askService(options, 'eva-os', {
      method: 'POST',
      path: '/v1/keys/rotate',
      headers: { 'x-operator-key': options.operatorKey },
    })
    if (status === 200) counts.rotated += 1
  }
  await Promise.all([watching, ...callers])
  return { ...counts, signers: signers.size }
}

/** Keys that must have signed by the end: the first, and each whose lead time was over two looks before it. */
export function signersMin(plan: {
  readonly seconds: number
  readonly rotations: number
  readonly leadSeconds: number
}): number {
  const { seconds, rotations, leadSeconds } = plan
  const rotatedAt = Array.from({ length: rotations }, (_, index) => (seconds * (index + 1)) / (rotations + 1))
  return 1 + rotatedAt.filter((at) => at + leadSeconds + 2 * (SIGNER_LOOK_MS / 1000) < seconds).length
}

/** Asks for a token now and then, and notes which key signed it. A look that fails (overload) shows no signer. */
async function watchSigners(untilMs: number, options: RotationOptions, signers: Set<string>): Promise<void> {
  while (performance.now() < untilMs && !options.signal.aborted) {
    const token = await askService(options, 'eva-os', {
      path: '/v1/tokens',
      body: { audience: 'eva-os' },
      headers: { 'x-operator-key': options.operatorKey },
    }).then(
      ({ status, body }) => (status === 200 ? (body as { token: string }).token : null),
      () => null,
    )
    if (token !== null) signers.add(signerOf(token))
    await pause(SIGNER_LOOK_MS)
  }
}

function signerOf(token: string): string {
  const [header = ''] = token.split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid
}

async function chatUntil(
  untilMs: number,
  options: RotationOptions,
  counts: { answered: number; refused: number },
): Promise<void> {
  while (performance.now() < untilMs && !options.signal.aborted) {
    const isGood = await askService(options, 'api-gateway', {
      path: '/v1/chat',
      body: { message: 'while keys rotate' },
    }).then(
      ({ status, body }) => status === 200 && (body as { warning?: unknown }).warning === undefined,
      () => false,
    )
    if (isGood) counts.answered += 1
    else counts.refused += 1
    await pause(PAUSE_MS)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
