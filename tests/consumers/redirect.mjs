// Sends a program's requests for GitHub's API to the one endpoint that FAKE_API names: it minds the token.
const real = globalThis.fetch;
globalThis.fetch = (url, options) =>
  real(String(url).startsWith('https://api.github.com') ? `${process.env.FAKE_API}/user` : url, options);
