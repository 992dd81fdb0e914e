// Sets the theme before anything is painted; a plain script, because modules wait for the whole page.
// kit/theme.svelte.ts takes over from here and knows the same key.
document.documentElement.dataset.theme = (function () {
  try {
    var chosen = localStorage.getItem('roost.theme')
    if (chosen === 'light' || chosen === 'dark') return chosen
  } catch {
    // Storage may be forbidden; the system's choice is as good.
  }
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
})()
