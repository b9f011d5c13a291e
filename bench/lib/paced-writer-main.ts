import { createWorkerHandle } from '../../services/memory-engine/threads/worker-handle.ts'
import { GroupCommit } from '../../services/memory-engine/writing/group-commit.ts'
import type { WriteJob, WriteReply } from '../../services/memory-engine/writing/write-job.ts'

// memory-engine's own writer in a process of its own, storing so many memories a second whatever the answers take:
// <JSON: {file, per_second}>. At the message `take` it sends the latencies since the last one, from the moment at
// which each write was due. Started with an IPC channel; ends with it.

const { file, per_second: perSecond } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly file: string
  readonly per_second: number
}
const worker = createWorkerHandle<WriteJob, WriteReply>({
  script: new URL('../../services/memory-engine/writing/writer-worker.ts', import.meta.url),
  data: { settings: { file, busyTimeoutMs: 1000, bytesMax: 0 } },
  onCrash: (error) => {
    throw error
  },
})
const commits = new GroupCommit({ send: worker.send, onReply: () => undefined })
const { signal } = new AbortController()
const startedMs = performance.now()
let latencies: number[] = []
let due = 0

async function store(n: number, dueMs: number): Promise<void> {
  const content = `memory ${n} that is written while somebody copies the others away, wave ${n % 97}`
  const draft = {
    type: 'turn',
    content,
    metadata: '{}',
    session_id: `s${n % 20}`,
    created_at_ms: n,
    updated_at_ms: n,
  }
  await commits.write({ kind: 'store', draft }, { signal })
  latencies.push(performance.now() - dueMs)
}

setInterval(() => {
  const nowMs = performance.now()
  for (; startedMs + (due * 1000) / perSecond <= nowMs; due += 1)
    void store(due, startedMs + (due * 1000) / perSecond)
}, 2)
process.on('message', () => {
  process.send?.(latencies)
  latencies = []
})
process.once('disconnect', () => void worker.stop(2000).then(() => process.exit(0)))
process.send?.('ready')
