import assert from 'node:assert/strict'
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildMissing } from './build.ts'
import { builtFolder, COMPONENTS, componentOf, sourceDigest, stampFile } from './components.ts'
import { findTool, locateTool } from './locate.ts'
import { ToolError } from './tool-error.ts'

const HERE = fileURLToPath(new URL('..', import.meta.url))
const scratch = await mkdtemp(join(tmpdir(), 'sonia-tools-'))
after(() => rm(scratch, { recursive: true, force: true }))

/** A repository that has the module files but no binary, and a PATH of its own. */
async function emptyRepository(name: string): Promise<{ repository: string; path: string }> {
  const repository = join(scratch, name)
  const path = join(repository, 'path')
  await mkdir(path, { recursive: true })
  for (const { module } of COMPONENTS)
    await cp(join(HERE, module), join(repository, module), { recursive: true })
  return { repository, path }
}

async function program(file: string, versionText: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `#!/bin/sh\necho "${versionText}"\n`)
  await chmod(file, 0o755)
  return file
}

async function built(repository: string, stamp: string): Promise<void> {
  await program(join(builtFolder(repository), 'k6'), 'k6 v2.2.0')
  await writeFile(stampFile(repository, componentOf('k6')), stamp)
}

test('a binary that is nowhere is one clear error with exit code 69 that names both ways out', async () => {
  const { repository, path } = await emptyRepository('nowhere')
  await assert.rejects(locateTool('k6', { repository, env: { PATH: path } }), (error) => {
    assert.ok(error instanceof ToolError)
    assert.equal(error.exitCode, 69)
    assert.match(error.message, /k6 is not installed/)
    assert.match(error.hint, /tools build.*SONIA_K6_BIN/)
    return true
  })
})

test('a binary on PATH older than the minimum is not taken', async () => {
  const { repository, path } = await emptyRepository('old')
  await program(join(path, 'k6'), 'k6 v1.8.0')
  assert.equal(await findTool('k6', { repository, env: { PATH: path } }), null)
})

test('a named binary that does not run is refused, not passed over', async () => {
  const { repository, path } = await emptyRepository('broken')
  await program(join(path, 'k6'), 'k6 v2.3.0')
  const env = { PATH: path, SONIA_K6_BIN: join(path, 'absent') }
  await assert.rejects(findTool('k6', { repository, env }), /SONIA_K6_BIN names .* does not run as k6/)
})

test('a built binary of another pin is not taken', async () => {
  const { repository, path } = await emptyRepository('stale')
  await built(repository, 'digest of another version')
  assert.equal(await findTool('k6', { repository, env: { PATH: path } }), null)
})

test('the environment goes before the built one, and that before PATH', async () => {
  const { repository, path } = await emptyRepository('order')
  const onPath = await program(join(path, 'k6'), 'k6 v2.4.0')
  assert.equal((await locateTool('k6', { repository, env: { PATH: path } })).path, onPath)
  await built(repository, sourceDigest(repository, componentOf('k6')))
  const fromBuilt = await locateTool('k6', { repository, env: { PATH: path } })
  assert.deepEqual([fromBuilt.origin, fromBuilt.version], ['built', '2.2.0'])
  const named = await program(join(path, 'other-k6'), 'k6 v2.5.0')
  const fromEnvironment = await locateTool('k6', { repository, env: { PATH: path, SONIA_K6_BIN: named } })
  assert.deepEqual([fromEnvironment.origin, fromEnvironment.version], ['environment', '2.5.0'])
})

test('without Go and without binaries, building ends in exit code 69 and names what is missing', async () => {
  const { repository, path } = await emptyRepository('no-go')
  const host = { repository, env: { PATH: path }, interrupted: new AbortController().signal }
  await assert.rejects(
    buildMissing(host, () => {}),
    (error) => {
      assert.ok(error instanceof ToolError)
      assert.match(
        error.message,
        /k6, prometheus, alertmanager, collector: not installed, and there is no Go/,
      )
      assert.match(error.hint, /install Go .*docker compose up/)
      return true
    },
  )
})

test('a failing build says what the compiler said and leaves no binary', async () => {
  const { repository, path } = await emptyRepository('failing')
  await writeFile(
    join(path, 'go'),
    '#!/bin/sh\n[ "$1" = version ] && { echo "go version go1.26.8 linux/amd64"; exit 0; }\necho "main.go:1:1: syntax error" >&2\nexit 1\n',
  )
  await chmod(join(path, 'go'), 0o755)
  const host = {
    repository,
    env: { PATH: `${path}:/usr/bin:/bin` },
    interrupted: new AbortController().signal,
  }
  await assert.rejects(
    buildMissing(host, () => {}),
    /building k6 2\.2\.0 failed:\nmain\.go:1:1: syntax error/,
  )
  assert.equal(await findTool('k6', { repository, env: { PATH: path } }), null)
})

test('every built binary has the name it is looked up by, whatever Go would have called it', async () => {
  const { repository, path } = await emptyRepository('named')
  // As the compiler does: a target that is a file gets the binary; a folder gets it by the package's name.
  const compile = [
    '[ "$1" = version ] && { echo "go version go1.26.8 linux/amd64"; exit 0; }',
    'while [ "$1" != -o ]; do shift; done',
    'target=$2; case "$target" in */) target="$target$(basename "$3")";; esac',
    'printf "#!/bin/sh\\necho 9.9.9\\n" > "$target" && chmod 755 "$target"',
  ]
  await writeFile(join(path, 'go'), `#!/bin/sh\n${compile.join('\n')}\n`)
  await chmod(join(path, 'go'), 0o755)
  const env = { PATH: `${path}:/usr/bin:/bin` }
  const built = await buildMissing({ repository, env, interrupted: new AbortController().signal }, () => {})
  assert.deepEqual(
    built.map(({ name }) => name),
    COMPONENTS.map(({ name }) => name),
  )
  for (const { name } of COMPONENTS.flatMap(({ binaries }) => binaries)) {
    assert.equal((await locateTool(name, { repository, env })).origin, 'built', name)
  }
})
