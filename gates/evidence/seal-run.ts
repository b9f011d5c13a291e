import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadMachineKey, privatePem, type MachineKey } from './machine-key.ts'
import { describeReleased } from './released.ts'
import { repositoryState } from './repository.ts'
import { makeSbom } from './sbom.ts'
import { writeBundle, type BundlePath, type BundleRequest } from './write-bundle.ts'

/** What a run hands over once it is judged; the rest follows from the repository and the state folder. */
export interface RunToSeal
  extends Omit<BundleRequest, 'keys' | 'released' | 'sbom' | 'producerEmails' | 'secrets' | 'createdAtMs'> {
  readonly repository: string
  /** SONIA_HOME of the stack that was judged: its configuration, policies and secrets. */
  readonly home: string
  /** Folder of the machine key; it outlives the stack. Made at first use. */
  readonly keyFolder: string
  readonly nowMs: number
  readonly imageDigest: string | null
  /** Secrets of this run that are in no file of the state folder. */
  readonly moreSecrets: readonly string[]
}

/** Seals a judged run as a signed bundle under `artifactsFolder/<runId>`. */
export async function sealRun(run: RunToSeal): Promise<BundlePath> {
  const { repository, home, keyFolder, nowMs, imageDigest, moreSecrets, ...rest } = run
  const keys = await loadMachineKey(keyFolder)
  const state = await repositoryState(repository)
  const sbom = await makeSbom(repository)
  const released = await describeReleased({
    repository,
    state,
    configurationFile: join(home, 'config', 'sonia.json'),
    policiesFolder: join(home, 'config', 'policies'),
    criteriaFolder: run.criteriaFolder,
    sbom,
    imageDigest,
  })
  return writeBundle({
    ...rest,
    keys,
    released,
    sbom,
    producerEmails: state.userEmail === null ? [] : [state.userEmail],
    secrets: [...(await secretsOf(home)), ...secretLines(keys), ...moreSecrets],
    createdAtMs: nowMs,
  })
}

/** Values that must never leave: bootstrap secrets of the services, and the operator's key. */
export async function secretsOf(home: string): Promise<readonly string[]> {
  const folder = join(home, 'run', 'secrets')
  const names = await readdir(folder).catch(noneIfMissing)
  const files = [...names.map((name) => join(folder, name)), join(home, 'config', 'operator.key')]
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(noneIfMissing)))
  return texts.filter((text) => typeof text === 'string').map((text) => text.trim())
}

/** Any line of the private key gives the key away in part. */
function secretLines(key: MachineKey): readonly string[] {
  return privatePem(key)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('-----'))
}

function noneIfMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code !== 'ENOENT') throw error
  return []
}
