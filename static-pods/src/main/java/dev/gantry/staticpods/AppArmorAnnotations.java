package dev.gantry.staticpods;

import static dev.gantry.staticpods.PodValidation.orEmpty;

import io.fabric8.kubernetes.api.model.AppArmorProfile;
import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.PodSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The annotations that named AppArmor profiles until Kubernetes 1.30 had fields for them. */
final class AppArmorAnnotations {
    private static final String PREFIX = "container.apparmor.security.beta.kubernetes.io/";
    private static final String LOCALHOST = "localhost/";

    private final FieldErrors errors;

    AppArmorAnnotations(FieldErrors errors) {
        this.errors = errors;
    }

    void validate(ObjectMeta metadata, PodSpec spec) {
        List<Container> containers = new ArrayList<>(orEmpty(spec.getInitContainers()));
        containers.addAll(orEmpty(spec.getContainers()));
        orEmpty(metadata.getAnnotations()).forEach((key, value) -> {
            if (!key.startsWith(PREFIX)) {
                return;
            }
            String field = "metadata.annotations[" + key + "]";
            String name = key.substring(PREFIX.length());
            Optional<Container> container = containers.stream()
                    .filter(one -> name.equals(one.getName()))
                    .findFirst();
            if (container.isEmpty()) {
                errors.invalid(field, name, "container not found");
            }
            boolean valid = value.isEmpty()
                    || value.equals("runtime/default")
                    || value.equals("unconfined")
                    || (value.startsWith(LOCALHOST) && value.length() > LOCALHOST.length());
            if (!valid) {
                errors.invalid(field, value, "invalid AppArmor profile name: \"" + value + "\"");
            } else {
                container
                        .map(Container::getSecurityContext)
                        .map(context -> context.getAppArmorProfile())
                        .ifPresent(profile -> match(field, value, profile));
            }
        });
    }

    private void match(String field, String value, AppArmorProfile profile) {
        String type = value.startsWith(LOCALHOST)
                ? "Localhost"
                : value.equals("unconfined") ? "Unconfined" : "RuntimeDefault";
        if (!type.equals(profile.getType())) {
            errors.add(FieldError.forbidden(field, "apparmor type in annotation and field must match"));
        } else if (value.startsWith(LOCALHOST)
                && !value.substring(LOCALHOST.length()).equals(profile.getLocalhostProfile())) {
            errors.add(FieldError.forbidden(field, "apparmor profile in annotation and field must match"));
        }
    }
}
