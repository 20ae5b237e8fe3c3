# pnow: filters between PatientNow and Aesthetix CRM.
# make deps | make | make demo | make check | make bench | make install; SAN=1 builds with ASan and UBSan, in a folder of its own.

VERSION = 0.1
PREFIX ?= /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/pnow
EXAMPLEDIR = $(PREFIX)/share/doc/pnow/examples

BUILD = .build/$(if $(SAN),san,release)
BIN = $(BUILD)/bin

PACKAGES = libcurl json-c libcrypto sqlite3 libmicrohttpd
PACKAGES += $(shell pkg-config --exists libbsd-overlay && echo libbsd-overlay)
PACKAGES += $(if $(filter Linux,$(shell uname -s)),libseccomp)

WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla $(if $(CI),-Werror)
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE -D_FORTIFY_SOURCE=2
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection
endif
OPTIMIZE = $(if $(SAN),-O1 -g -fno-omit-frame-pointer -fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined,-O2 -g $(HARDEN))
comma = ,

# The profiles are looked for where they will be installed, then beside the program (lib/profiles, from a checkout).
CPPFLAGS += -D_GNU_SOURCE -Ilib -DPNOW_VERSION='"$(VERSION)"' -DPNOW_DATADIR='"$(DATADIR)"'
# Asked when first needed, and kept: in "make deps demo" the packages are there only by then.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := $(shell pkg-config --libs $(PACKAGES)) -lcsv -lunistring)$(PACKAGE_LIBS)
ALL_CFLAGS = -std=c17 $(OPTIMIZE) $(WARN) $(CPPFLAGS) $(PACKAGE_CFLAGS) -MMD -MP -pthread $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,--as-needed $(if $(SAN),-fsanitize=address$(comma)undefined,-pie -Wl,-z,relro,-z,now) $(LDFLAGS)

LIB_SOURCES := $(wildcard lib/*.c)
CMD_FILES := $(wildcard cmd/*.c)
CMD_FOLDERS := $(patsubst %/main.c,%,$(wildcard cmd/*/main.c))
COMMANDS := $(notdir $(CMD_FILES:.c=) $(CMD_FOLDERS))
UNITS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
FUZZES := $(filter-out drive,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
PAGES := $(wildcard man/*.[1-9])

LIBRARY = $(BUILD)/libpnow.a
PROGRAMS = $(addprefix $(BIN)/,$(COMMANDS))
UNIT_PROGRAMS = $(addprefix $(BUILD)/unit/,$(UNITS))
FUZZ_PROGRAMS = $(addprefix $(BUILD)/fuzz/,$(FUZZES))

object = $(patsubst %.c,$(BUILD)/%.o,$(1))

all: $(PROGRAMS)

# A change of flags rebuilds everything; the stamp is rewritten only when they differ.
$(BUILD)/flags: FORCE | $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PACKAGE_LIBS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(PACKAGE_LIBS)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(LIBRARY): $(call object,$(LIB_SOURCES))
	@rm -f $@
	$(AR) rcs $@ $^

define command_rule
$(BIN)/$(1): $(2) $(LIBRARY)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PACKAGE_LIBS)
endef
$(foreach f,$(CMD_FILES),$(eval $(call command_rule,$(basename $(notdir $(f))),$(call object,$(f)))))
$(foreach d,$(CMD_FOLDERS),$(eval $(call command_rule,$(notdir $(d)),$(call object,$(wildcard $(d)/*.c)))))

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

$(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/drive.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

# Senders: one that does not give up, for the tests that kill, and a hostile crowd.
LOAD = $(BUILD)/crash/load
CROWD = $(BUILD)/crash/crowd
$(BUILD)/crash/%: $(BUILD)/tests/crash/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

# A disk that fails, for LD_PRELOAD: never with a sanitizer in it.
FAULTS = $(BUILD)/tests/faults.so
$(FAULTS): tests/faults/faults.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -std=c17 -O2 $(WARN) -D_GNU_SOURCE -fPIC -shared -pthread -o $@ $< -ldl

# Somebody who has got hold of a program, for LD_PRELOAD.
TRIES = $(BUILD)/tests/tries.so
$(TRIES): tests/confine/tries.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -std=c17 -O2 $(WARN) -D_GNU_SOURCE -fPIC -shared -pthread -o $@ $< -ldl

# The long ones first: they run side by side, and what begins last should be short.
TESTS = tests/valgrind.sh $(sort $(wildcard tests/pipeline/*.sh)) $(sort $(wildcard tests/command/*.sh)) $(FUZZ_PROGRAMS) $(UNIT_PROGRAMS)

check: all $(UNIT_PROGRAMS) $(FUZZ_PROGRAMS) $(FAULTS) $(TRIES) $(LOAD) $(CROWD)
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" tests/run $(TESTS)

# At least 1,000 kills and 20,000 events: a quarter of an hour.
crash: all $(LOAD)
	PNOW_BIN=$(abspath $(BIN)) tests/crash/crash.sh

# 100,000 patients and 300,000 bills, killed five times: half an hour, on a machine that does nothing else.
backfill: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" tests/backfill/full.sh

# A whole day of a busy practice: a minute.
busy-day: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" BUSY_DAY=full tests/run tests/pipeline/busy-day.sh

# Every order of a patient's seven events, and six thousand patients' events at random, then the audit: four minutes.
orders: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" ORDERS=full tests/run tests/pipeline/orders.sh

# A table of what pnow does beside what others do. BENCH="filters cold" picks parts.
BENCH_PROGRAMS = $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS)

bench: all $(BENCH_PROGRAMS) $(CROWD)
	PNOW_BIN=$(abspath $(BIN)) tests/bench/bench.sh

# Instructions of the pure filters, for tests/bench/NOTES.md.
callgrind: all $(BENCH_PROGRAMS)
	PNOW_BIN=$(abspath $(BIN)) BENCH=callgrind tests/bench/bench.sh

deps-bench:
	tests/bench/deps.sh

demo: all
	PATH="$(abspath $(BIN)):$$PATH" examples/demo/demo.sh

deps:
	tests/deps.sh

# The CRM's published API description as the judge of every request that the pipeline tests made.
deps-contract:
	tests/contract/deps.sh

contract: all
	PNOW_BIN=$(abspath $(BIN)) PATH="$(abspath $(BIN)):$$PATH" tests/run tests/contract/contract.sh

C_FILES = $(shell git ls-files '*.c' '*.h')
SHELL_FILES = $(shell git ls-files "*.sh" "*.bash" tests/run .ci/run "examples/workflows/*" examples/backfill/backfill)

lint:
	clang-format --dry-run -Werror $(C_FILES)
	cppcheck --quiet --std=c11 --library=posix --library=gnu --library=bsd --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -Ilib -DPNOW_VERSION='""' -DPNOW_DATADIR='""' $(filter %.c,$(C_FILES))
	shellcheck -S warning $(SHELL_FILES)
	mandoc -T lint -W warning $(PAGES)

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(DATADIR)/profiles $(DESTDIR)$(EXAMPLEDIR)
	install -m 755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	install -m 644 lib/profiles/*.json $(DESTDIR)$(DATADIR)/profiles
	for page in $(PAGES); do \
		section=$(DESTDIR)$(MANDIR)/man$${page##*.}; \
		install -d $$section && install -m 644 $$page $$section || exit 1; done
	cp -R examples/. $(DESTDIR)$(EXAMPLEDIR)

clean:
	rm -rf .build

FORCE:
.PHONY: all backfill bench busy-day callgrind check clean contract crash demo deps deps-bench deps-contract install lint orders FORCE
.SECONDARY:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
