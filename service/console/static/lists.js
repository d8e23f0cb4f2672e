// The page of a list: a file is read into the field of the form, from where it is sent.
const choice = document.getElementById("choice");

if (choice) {
  const content = document.getElementById("f-file");
  choice.hidden = false;
  choice.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) content.value = await file.text();
  });
}
