package dev.gantry.agent.cli;

import java.io.IOException;
import java.util.List;

/** {@code gantry image rm}. */
final class ImageRmCommand implements Command {
    private static final CommandSpec SPEC = new CommandSpec(
            "image rm",
            "NAME|ID...",
            Commands.summary("image rm"),
            "Remove images. A name removes that name, and the image with its last one; an id removes the image with all its names. "
                    + "Layers that a container uses stay until it is gone.",
            List.of(
                    new CommandSpec.Example("By name", "gantry image rm busybox"),
                    new CommandSpec.Example("By id", "gantry image rm sha256:0123456789ab")),
            List.of());

    @Override
    public CommandSpec spec() {
        return SPEC;
    }

    @Override
    public int run(Arguments arguments, Session session) throws UsageException, CliException, IOException {
        if (arguments.operands().isEmpty()) {
            throw new UsageException("the image's name is missing");
        }
        int exit = 0;
        for (String name : arguments.operands()) {
            try {
                remove(session, name);
                session.console().out().println("removed " + name);
            } catch (CliException e) {
                session.console().err().println(e.getMessage());
                exit = 1;
            }
        }
        return exit;
    }

    private static void remove(Session session, String name) throws CliException, IOException {
        if (session.client().isThere()) {
            session.client()
                    .delete("/gantry/v1/images/" + ApiClient.encode(name))
                    .close();
        } else {
            try (Node.LocalImages store = session.node().openImages(session.paths())) {
                store.remove(name);
            }
        }
    }
}
