import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { prepareForCompose } from './prepare.ts'

// Run once by compose before the services: node deploy/prepare-main.ts <folder>
const [root] = argv.slice(2)
if (root === undefined) throw new Error('usage: prepare-main.ts <folder>')
prepareForCompose({ repo: fileURLToPath(new URL('..', import.meta.url)), root })
