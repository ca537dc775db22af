package dev.gantry.agent.cli;

import dev.gantry.agent.api.Ages;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/** {@code gantry image ls}. */
final class ImageLsCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "image ls",
            "",
            Commands.summary("image ls"),
            "List the images of this node's store. Without a running agent the store is opened directly.",
            List.of(
                    new CommandSpec.Example("As a table", "gantry image ls"),
                    new CommandSpec.Example("With digests, for scripts", "gantry image ls -o json")),
            List.of(
                    Option.value("output", 'o', "FORMAT", "One of: json, yaml, name."),
                    Option.flag("no-headers", "Print no line of headings.")));

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        arguments.atMost(0);
        Json images;
        if (session.client().isThere()) {
            try (ApiResponse response = session.client().get("/gantry/v1/images")) {
                images = response.json();
            }
        } else {
            try (Node.LocalImages store = session.node().openImages(session.paths())) {
                images = Json.parse(store.list().getBytes(StandardCharsets.UTF_8));
            }
        }
        Console console = session.console();
        switch (arguments.value("output")) {
            case "json" -> console.out().print(Documents.json(images));
            case "yaml" -> console.out().print(Documents.yaml(images));
            case "name" -> names(images).forEach(console.out()::println);
            case "" -> table(console, images, !arguments.flag("no-headers"));
            default ->
                throw new UsageException("--output takes json, yaml or name, not '" + arguments.value("output") + "'");
        }
        return 0;
    }

    private static List<String> names(Json images) {
        return images.items("items").stream()
                .flatMap(image -> image.items("repoTags").stream())
                .map(Json::text)
                .toList();
    }

    private static void table(Console console, Json images, boolean headings) {
        TablePrinter table = new TablePrinter(console, List.of("IMAGE", "TAG", "IMAGE ID", "LOADED", "SIZE"), headings);
        Instant now = Clock.systemUTC().instant();
        for (Json image : images.items("items")) {
            String id = image.text("id").replace("sha256:", "");
            String shortId = id.substring(0, Math.min(12, id.length()));
            // Other runtimes do not tell it.
            String at = image.text("loadedAt");
            String loaded = at.isEmpty() ? "<unknown>" : Ages.human(Duration.between(Instant.parse(at), now)) + " ago";
            String size = Sizes.human(image.number("sizeBytes"));
            List<Json> tags = image.items("repoTags");
            for (Json tag : tags) {
                String name = tag.text();
                int colon = name.lastIndexOf(':');
                table.add(List.of(name.substring(0, colon), name.substring(colon + 1), shortId, loaded, size));
            }
            if (tags.isEmpty()) {
                List<Json> digests = image.items("repoDigests");
                String name = digests.isEmpty() ? "<none>" : digests.get(0).text();
                int digest = name.indexOf('@');
                table.add(List.of(digest < 0 ? name : name.substring(0, digest), "<none>", shortId, loaded, size));
            }
        }
        if (table.isEmpty()) {
            console.err().println("No images; pull one with \"gantry image pull NAME\".");
        } else {
            table.flush();
        }
    }
}
