import { packPackages } from './pack-packages.ts'

// node pack-packages-main.ts <repository> <folder>: a process of its own, because it imports all that it packs.
const [, , repo, folder] = process.argv
if (repo === undefined || folder === undefined) throw new Error('pack-packages-main.ts <repository> <folder>')
await packPackages(repo, folder)
process.exit()
