import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stateHome } from '../state-home.ts'
import { ALLOW_LIST } from './checks/secrets.ts'
import type { PreflightOptions } from './options.ts'
import { type CheckResult, runCheck } from './report.ts'
import { preflightChecks } from './run-preflight.ts'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))

/** A state folder and a repository for one test at a time: begun before each, gone after each. */
export interface PreflightScene {
  readonly folder: string
  readonly home: string
  readonly options: PreflightOptions
  readonly put: (path: string, text: string, mode?: number) => void
  readonly config: (value: object) => void
  /** A repository of its own, with these files committed. */
  readonly repositoryWith: (files: Readonly<Record<string, string>>, allowances?: readonly object[]) => string
  readonly resultOf: (id: string, changes?: Partial<PreflightOptions>) => Promise<CheckResult>
  readonly finds: (id: string, complaint: RegExp, changes?: Partial<PreflightOptions>) => Promise<void>
  readonly passes: (id: string, changes?: Partial<PreflightOptions>) => Promise<void>
}

export function usePreflightScene(): PreflightScene {
  const at = { folder: '' }
  const scene: PreflightScene = {
    get folder() {
      return at.folder
    },
    get home() {
      return join(at.folder, 'home')
    },
    get options() {
      return optionsFor(scene.home)
    },
    put: (path, text, mode = 0o600) => {
      const target = join(scene.home, path)
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
      writeFileSync(target, text, { mode })
      chmodSync(target, mode)
    },
    config: (value) => scene.put('config/sonia.json', JSON.stringify(value, null, 2)),
    repositoryWith: (files, allowances = []) => makeRepository(join(at.folder, 'repo'), files, allowances),
    resultOf: (id, changes = {}) => {
      const check = preflightChecks({ ...scene.options, ...changes }).find((one) => one.id === id)
      assert.ok(check !== undefined, `there is no check ${id}`)
      return runCheck(check)
    },
    finds: async (id, complaint, changes = {}) => {
      const { outcome, findings } = await scene.resultOf(id, changes)
      assert.equal(outcome, 'fail', JSON.stringify(findings))
      assert.match(findings.map(({ path, message }) => `${path} ${message}`).join('\n'), complaint)
    },
    passes: async (id, changes = {}) => {
      const { outcome, findings } = await scene.resultOf(id, changes)
      assert.equal(outcome, 'pass', JSON.stringify(findings))
    },
  }
  beforeEach(() => {
    at.folder = mkdtempSync(join(tmpdir(), 'sonia-preflight-'))
    for (const name of ['config/policies', 'data', 'logs', 'run/secrets']) {
      mkdirSync(join(scene.home, name), { recursive: true, mode: 0o700 })
    }
    const policies = join('config', 'policies')
    cpSync(join(REPOSITORY, policies), join(scene.home, policies), { recursive: true })
    scene.put('config/operator.key', 'o'.repeat(43))
  })
  afterEach(() => rmSync(at.folder, { recursive: true, force: true }))
  return scene
}

function optionsFor(home: string): PreflightOptions {
  return {
    repo: REPOSITORY,
    folders: stateHome(home),
    host: {
      env: { PATH: '/usr/bin:/bin' },
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    },
    ports: [],
    neededBytes: 1,
    bundles: [],
    history: false,
  }
}

function makeRepository(
  repo: string,
  files: Readonly<Record<string, string>>,
  allowances: readonly object[],
): string {
  const all = { ...files, [ALLOW_LIST]: JSON.stringify(allowances) }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(repo, path)), { recursive: true })
    writeFileSync(join(repo, path), text)
  }
  git(repo, 'init', '-q')
  commit(repo)
  return repo
}

function git(repo: string, ...args: string[]): void {
  const identity = [
    '-c',
    'user.name=test',
    '-c',
    'user.email=test@example.invalid',
    '-c',
    'commit.gpgsign=false',
  ]
  execFileSync('git', [...identity, ...args], { cwd: repo, stdio: 'ignore' })
}

export function commit(repo: string): void {
  git(repo, 'add', '-A')
  git(repo, 'commit', '-q', '-m', 'state')
}

/** Put together here, so that no file holds a secret itself. */
export const FAKE = {
  seed: ['sk', 'test', 'secret'].join('-'),
  github: `ghp_${'aB3dE5fG7h'.repeat(4).slice(0, 36)}`,
  own: `sonia_key_${'Zx9Qw7Er5Ty3Ui1Op2As4Df'}`,
  random: ['q7Zp2LmX9vKc4RtB', '8nWs1YdF6hJg3EaT'].join(''),
}
