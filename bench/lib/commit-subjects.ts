import { mulberry32 } from '#gates/statistics/reference-series.ts'
import { createWorkerHandle } from '../../services/memory-engine/threads/worker-handle.ts'
import { GroupCommit } from '../../services/memory-engine/writing/group-commit.ts'
import type { WriteJob, WriteReply } from '../../services/memory-engine/writing/write-job.ts'
import type { Arm } from './paired-rounds.ts'

/** Something that stores rows durably; its arm gives stores a second. */
export interface CommitSubject {
  readonly arm: Arm<number>
  readonly close: () => Promise<void>
}

interface EngineSettings {
  readonly name: string
  readonly writers: number
  /** Of one run of the arm. */
  readonly commits: number
  readonly file: string
}

const SEED = 20_261_124
const VOCABULARY = 20_000

/** The engine's group commit over its writing thread. */
export function engineCommits({ name, writers, commits: count, file }: EngineSettings): CommitSubject {
  const worker = createWorkerHandle<WriteJob, WriteReply>({
    script: new URL('../../services/memory-engine/writing/writer-worker.ts', import.meta.url),
    data: { settings: { file, busyTimeoutMs: 1000, bytesMax: 0 } },
    onCrash: (error) => {
      throw error
    },
  })
  const commits = new GroupCommit({ send: worker.send, onReply: () => undefined })
  const texts = textsOf(name)
  const { signal } = new AbortController()
  let n = 0
  const store = async () => {
    n++
    const draft = { type: 'turn', content: texts(), metadata: '{}', session_id: `s${n % 20}` }
    await commits.write(
      { kind: 'store', draft: { ...draft, created_at_ms: n, updated_at_ms: n } },
      { signal },
    )
  }
  const run = async () => {
    const startedMs = performance.now()
    let left = count
    const writer = async () => {
      while (left-- > 0) await store()
    }
    await Promise.all(Array.from({ length: writers }, writer))
    return (count * 1000) / (performance.now() - startedMs)
  }
  return { arm: { name, run }, close: () => worker.stop(5000) }
}

/** Texts of 25 words of a Zipf-like vocabulary; each arm draws its own, from one seed. */
export function textsOf(name: string): () => string {
  const random = mulberry32(SEED + name.length)
  return () => Array.from({ length: 25 }, () => `w${Math.floor(random() ** 3 * VOCABULARY)}`).join(' ')
}
