package dev.gantry.staticpods;

import io.fabric8.kubernetes.api.model.AppArmorProfile;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.SeccompProfile;
import io.fabric8.kubernetes.api.model.SecurityContext;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Security contexts and profiles. */
final class SecurityValidation {
    private static final List<String> PROFILES = List.of("Localhost", "RuntimeDefault", "Unconfined");
    private final FieldErrors errors;

    SecurityValidation(FieldErrors errors) {
        this.errors = errors;
    }

    void container(String path, SecurityContext context, PodSpec spec) {
        errors.id(path + ".runAsUser", context.getRunAsUser());
        errors.id(path + ".runAsGroup", context.getRunAsGroup());
        errors.oneOf(path + ".procMount", context.getProcMount(), List.of("Default", "Unmasked"));
        if ("Unmasked".equals(context.getProcMount()) && !Boolean.FALSE.equals(spec.getHostUsers())) {
            errors.invalid(path + ".procMount", context.getProcMount(), "`hostUsers` must be false to use `Unmasked`");
        }
        if (Boolean.FALSE.equals(context.getAllowPrivilegeEscalation())) {
            if (Boolean.TRUE.equals(context.getPrivileged())) {
                errors.invalid(path, "{…}", "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
            }
            if (context.getCapabilities() != null
                    && PodValidation.orEmpty(context.getCapabilities().getAdd()).contains("CAP_SYS_ADMIN")) {
                errors.invalid(
                        path,
                        "{…}",
                        "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
            }
        }
        seccomp(path + ".seccompProfile", context.getSeccompProfile());
        appArmor(path + ".appArmorProfile", context.getAppArmorProfile());
    }

    void seccomp(String path, @Nullable SeccompProfile profile) {
        if (profile != null) {
            profile(path, profile.getType(), profile.getLocalhostProfile(), true);
        }
    }

    void appArmor(String path, @Nullable AppArmorProfile profile) {
        if (profile != null) {
            profile(path, profile.getType(), profile.getLocalhostProfile(), false);
        }
    }

    private void profile(String path, @Nullable String type, @Nullable String localhost, boolean isPath) {
        if (!errors.required(
                path + ".type",
                type,
                isPath
                        ? "type is required when seccompProfile is set"
                        : "type is required when appArmorProfile is set")) {
            return;
        }
        errors.oneOf(path + ".type", type, PROFILES);
        if ("Localhost".equals(type)) {
            if (errors.required(path + ".localhostProfile", localhost, "must be set when type is Localhost")
                    && isPath) {
                PathRules.relative(errors, path + ".localhostProfile", String.valueOf(localhost));
            }
        } else if (localhost != null && !localhost.isEmpty()) {
            errors.invalid(path + ".localhostProfile", localhost, "can only be set when type is Localhost");
        }
    }
}
