import { build } from 'vite'
import { gzipSync } from 'node:zlib'
import { writeFileSync } from 'node:fs'
const r = await build({ configFile: './vite.config.ts', mode: 'console', logLevel: 'error', build: { write: false } })
const out = (Array.isArray(r)?r[0]:r).output.filter(o=>o.type==='chunk')
let s=''
for (const c of out.sort((a,b)=>b.code.length-a.code.length)) {
  s+=`\n== ${c.fileName} gz ${gzipSync(c.code).length} imports ${c.imports.map(i=>i.replace('assets/','')).join(' ')}\n`
  const ms=Object.entries(c.modules).map(([id,m])=>[id.replace(/.*node_modules\//,'nm/').replace(/.*dashboard\//,''), m.renderedLength]).sort((a,b)=>b[1]-a[1])
  for (const [id,l] of ms) s+=`   ${l} ${id}\n`
}
writeFileSync('/tmp/an/out.txt', s)
const map=new Map(out.map(c=>[c.fileName,c]))
const closure=(names,seen=new Set())=>{for(const n of names){if(seen.has(n))continue;seen.add(n);closure(map.get(n).imports,seen)}return seen}
const main=out.find(c=>c.isEntry), shell=out.find(c=>/shell\/Shell/.test(c.facadeModuleId??'')||/Shell/.test(c.fileName))
const pages=out.filter(c=>c.isDynamicEntry)
for(const p of pages){const set=closure([main.fileName,shell.fileName,p.fileName]);let t=0;for(const f of set)t+=Math.round(gzipSync(map.get(f).code).length/102.4)/10;console.log(t.toFixed(1),p.fileName,[...set].slice(0).map(f=>f.replace('assets/','').replace(/-.{8}\.js/,'')).join(' '))}
