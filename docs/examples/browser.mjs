// Start a browser from a profile that is logged in already, and drive it with Puppeteer from here.
// First: npm install @onkernel/sdk puppeteer-core

import Kernel from "@onkernel/sdk";
import puppeteer from "puppeteer-core";

if (process.argv.length !== 3 || !process.env.DEMO_URL) {
  console.error("usage: browser.mjs PROFILE_NAME   (with KERNEL_BASE_URL, KERNEL_API_KEY and DEMO_URL as `up` printed)");
  process.exit(1);
}
const demo = process.env.DEMO_URL;
const profile = process.argv[2]; // the profile_name of a connection that is AUTHENTICATED
const client = new Kernel(); // takes KERNEL_BASE_URL and KERNEL_API_KEY from the environment

const browser = await client.browsers.create({ profile: { name: profile }, stealth: true, timeout_seconds: 300 });
try {
  const driven = await puppeteer.connect({ browserWSEndpoint: browser.cdp_ws_url, defaultViewport: null });
  const [page] = await driven.pages(); // the profile is in the first context
  await page.goto(`${demo}/account`);
  console.log(await page.$eval("h1", (heading) => heading.textContent));
  await driven.disconnect();
} finally {
  await client.browsers.deleteByID(browser.session_id);
}
