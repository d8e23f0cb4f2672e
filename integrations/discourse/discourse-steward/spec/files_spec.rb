# frozen_string_literal: true

require_relative "steward_helper"

describe "the files" do
  def texts(language)
    YAML.load_file("#{Fakes::PLUGIN}/config/locales/server.#{language}.yml").fetch(language)
  end

  it "have a text for each setting, in both languages" do
    %w[en de].each { |language| expect(texts(language)["site_settings"].keys).to eq(Fakes::DEFAULTS.keys) }
  end

  it "have the same texts in both languages" do
    expect(texts("de")["discourse_steward"]["reasons"].keys).to eq(texts("en")["discourse_steward"]["reasons"].keys)
  end

  it "name one version" do
    head = File.read("#{Fakes::PLUGIN}/plugin.rb")
    expect(head[/^# version: (\S+)/, 1]).to eq(DiscourseSteward::VERSION)
  end
end
